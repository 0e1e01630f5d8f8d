//! Uploads, pack directories, request bodies and slow clients of a server.
