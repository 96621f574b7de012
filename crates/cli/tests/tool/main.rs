//! The program `wgrad`, run as a user runs it: every command, its files, its pages and its errors.

#[path = "../command/mod.rs"]
mod command;
#[cfg(target_os = "linux")]
#[path = "../crowd/mod.rs"]
mod crowd;
#[path = "../web/mod.rs"]
mod web;

mod check_command;
mod cli;
mod cli_bad_input;
mod cli_run;
mod compare_command;
mod config_command;
mod data_command;
mod heads;
mod keras;
mod lab;
mod lab_folder;
mod lab_history;
mod lab_html;
mod lab_library;
mod lab_stats;
mod lab_trainings;
mod live;
mod method_command;
mod onnx_command;
mod profile;
mod ranks;
mod recorded;
mod report;
mod rm_command;
mod runs_command;
mod serve;
mod slips;
mod state_command;
mod sweep;
mod sweep_command;
mod tensorboard;
mod train_command;
mod tune_command;
