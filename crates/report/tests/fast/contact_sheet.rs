//! Tests of the contact sheet: its contents, their positions, and its errors. Its look is left to human judgement.

use wgrad_data::synthetic::synthetic;
use wgrad_report::contact_sheet;

#[test]
fn it_is_written_whole_with_every_class_in_its_row() {
    let data = synthetic(0, 300, 100);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheet.png");
    let (width, height) = contact_sheet::write(&data, 12, &path).unwrap();
    let sheet = image::open(&path).unwrap().to_rgb8();
    assert_eq!(sheet.dimensions(), (width, height));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file is left");
    // The first sample of the last class, found again by its pixels.
    let index = data.train.labels.iter().position(|&label| label == 9).unwrap();
    let image = data.train.image(index, 784).unwrap();
    let (left, top) = (20 + 11 * 8 + 12, 64 + 9 * 60);
    for (i, &pixel) in image.iter().enumerate() {
        let (x, y) = (left + 2 * (i % 28), top + 2 * (i / 28));
        assert_eq!(sheet.get_pixel(x as u32 + 1, y as u32 + 1).0, [pixel; 3]);
    }
    if let Ok(kept) = std::env::var("CONTACT_SHEET_TO_LOOK_AT") {
        std::fs::copy(&path, kept).unwrap();
    }
}

#[test]
fn nothing_and_too_much_are_refused() {
    let data = synthetic(0, 20, 10);
    for count in [0, 1_000_000, usize::MAX] {
        let message = contact_sheet::draw(&data, count).unwrap_err().to_string();
        assert!(
            message.contains(&format!("got {count} samples for each of 10 classes, expected 1 to 264")),
            "{message}"
        );
    }
    assert!(contact_sheet::draw(&data, 5).is_ok(), "fewer samples than asked for are no error");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let data = synthetic(0, 20, 10);
    let path = std::path::Path::new("/nonexistent/sheet.png");
    let message = contact_sheet::write(&data, 2, path).unwrap_err().to_string();
    assert!(message.starts_with("cannot write /nonexistent/sheet.png: "), "{message}");
}
