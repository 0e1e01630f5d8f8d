//! The commands that score, import, report, and build and check packs. One process for all, since linking one takes as
//! long as running many of them; what measures time or memory has a process of its own.

mod cases;
mod compat;
mod criteria;
mod golden;
mod hostile_programs;
mod import_export;
mod judges;
mod limits;
mod llmbar;
mod meta;
mod native_programs;
mod other_grader;
mod pack_tools;
mod pack_travel;
mod programs;
mod report_page;
mod rows_and_settings;
mod security_page;
mod strategies;
mod swap;
mod text_attacks;
mod two_stage;
mod voting;
