//! The commands that are tested.

use std::path::PathBuf;

/// `cargo test` builds the examples beside the folder of the tests.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().with_file_name("examples").join(name);
    assert!(
        path.is_file(),
        "{} is built by `cargo test` without --test",
        path.display()
    );
    path
}
