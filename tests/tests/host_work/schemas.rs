//! Configuration schemas of plugins, and configurations of packs.
