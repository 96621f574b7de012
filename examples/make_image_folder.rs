//! Draws a folder of pictures of mixed sizes in two classes, JPEG and PNG, as data for `--data DIR`. Without arguments
//! it draws 60 pictures in `target/pictures`. To run it: `cargo run --example make_image_folder -- DIR 5000`, then
//! `wgrad train --model cnn --data DIR --size 32 --epochs 2`.

use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, count) = match &arguments[..] {
        [] => ("target/pictures", "60"),
        [folder, count] => (&folder[..], &count[..]),
        _ => {
            eprintln!("expected a folder and a number of pictures: make_image_folder DIR 5000");
            return ExitCode::from(2);
        }
    };
    let Ok(count) = count.parse() else {
        eprintln!("got {count} pictures, expected a number such as 5000");
        return ExitCode::from(2);
    };
    wgrad_testing::pictures::folder(Path::new(folder), count, [80, 320]);
    println!("{folder}: {count} pictures in {}", wgrad_testing::pictures::CLASSES.join(" and "));
    ExitCode::SUCCESS
}
