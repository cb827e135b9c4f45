//! The floors of the house: a file imports only from floors above its own in `src/lib.rs`, or from its own folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of ours").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn a_file_imports_only_from_lower_floors_or_its_own_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut floors: HashMap<String, u32> = HashMap::new();
    let mut floor = 0;
    for line in std::fs::read_to_string(root.join("lib.rs")).expect("the map of the house").lines() {
        if let Some(rest) = line.strip_prefix("// floor ") {
            floor = rest.chars().next().and_then(|digit| digit.to_digit(10)).expect("a floor's number");
        } else if let Some(name) = line.strip_prefix("pub mod ") {
            floors.insert(name.trim_end_matches(';').to_owned(), floor);
        }
    }
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).expect("under src");
        let own = inside.iter().next().expect("a name").to_string_lossy().trim_end_matches(".rs").to_owned();
        let Some(&own_floor) = floors.get(&own) else { continue };
        for line in std::fs::read_to_string(&file).expect("a file of ours").lines() {
            let Some(rest) = line.trim_start().strip_prefix("use crate::") else { continue };
            // `use crate::{a, b::c};` names several.
            let names = rest.trim_start_matches('{').split(", ").map(|part| part.split([':', ';', '}', ' ']).next().unwrap_or_default());
            let names: Vec<&str> = if rest.starts_with('{') { names.collect() } else { names.take(1).collect() };
            for name in names {
                let Some(&floor) = floors.get(name) else { continue };
                if name != own && floor >= own_floor && !(floor == own_floor && [0, 1, 5].contains(&floor)) {
                    wrong.push(format!("{} uses {name}", inside.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "against the floors:\n{}", wrong.join("\n"));
}
