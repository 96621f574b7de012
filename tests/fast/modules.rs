//! The modules of each crate form layers: none imports a module that imports it, directly or through others.
//! A module and its own children may know each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use syn::{
    Attribute, Item, ItemUse, UseTree,
    visit::{self, Visit},
};

type Name = Vec<String>;

/// Names in a module's files.
#[derive(Default)]
struct Module {
    /// Paths that it names, from the root.
    names: BTreeSet<Name>,
    /// Its imports, by the name under which others find them there.
    imported: BTreeMap<String, Name>,
}

/// Reads one file; it skips tests, which may know everything.
struct Reader<'a> {
    /// The module.
    at: &'a [String],
    module: Module,
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

impl Reader<'_> {
    /// The path from the root that `segments` mean here; `None` for one of another crate, or of a name in sight.
    fn absolute(&self, segments: &[String]) -> Option<Name> {
        let mut base = match segments.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.at.to_vec(),
            _ => return None,
        };
        let mut rest = &segments[1..];
        if segments[0] == "super" {
            base.pop();
            while rest.first().is_some_and(|next| next == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn leaves(&mut self, before: &mut Name, tree: &UseTree) {
        let (name, known_as) = match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.leaves(before, &path.tree);
                before.pop();
                return;
            }
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.leaves(before, tree)),
            UseTree::Glob(_) => (None, None),
            UseTree::Name(name) => (Some(name.ident.to_string()), Some(name.ident.to_string())),
            UseTree::Rename(rename) => (Some(rename.ident.to_string()), Some(rename.rename.to_string())),
        };
        let mut whole = before.clone();
        whole.extend(name.filter(|name| name != "self"));
        // A child is named without `self` before it.
        let own = self.absolute(&whole).unwrap_or_else(|| [self.at, &whole].concat());
        if let Some(known_as) = known_as.filter(|name| name != "self") {
            self.module.imported.insert(known_as, own.clone());
        }
        self.module.names.insert(own);
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_item(&mut self, item: &'a Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.leaves(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Name = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.module.names.extend(self.absolute(&segments));
        visit::visit_path(self, path);
    }
}

/// The modules of the crate whose root is the file `root` of `folder`.
fn modules(folder: &Path, root: &str) -> BTreeMap<Name, Module> {
    fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).expect("lists").map(|entry| entry.expect("an entry").path()) {
            match entry.is_dir() {
                true => files(&entry, found),
                false => found.extend(entry.extension().is_some_and(|e| e == "rs").then_some(entry)),
            }
        }
    }
    let (mut all, mut found) = (BTreeMap::new(), Vec::new());
    files(folder, &mut found);
    for file in found {
        let within = file.strip_prefix(folder).expect("within").with_extension("");
        let mut name: Name = within.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if name.last().is_some_and(|last| last == "tests") {
            continue;
        }
        if name.last().is_some_and(|last| last == "mod") || name == [root] {
            name.pop();
        }
        let text = fs::read_to_string(&file).expect("reads");
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut reader = Reader { at: &name, module: Module::default() };
        reader.visit_file(&parsed);
        let module = reader.module;
        all.insert(name, module);
    }
    all
}

/// The module that defines `name`, following re-exports.
fn defined(all: &BTreeMap<Name, Module>, name: &[String]) -> Name {
    let mut name = name.to_vec();
    for _ in 0..8 {
        let handed = (0..name.len()).rev().find_map(|at| {
            let own = all.get(&name[..at])?.imported.get(&name[at])?;
            (!all.contains_key(&name[..=at])).then(|| [own, &name[at + 1..]].concat())
        });
        match handed {
            Some(next) if next != name => name = next,
            _ => break,
        }
    }
    name
}

/// Descriptions of cycles among the children of each module.
fn circles(all: &BTreeMap<Name, Module>) -> Vec<String> {
    // For each parent: child, the children that it names, and an example.
    let mut arrows: BTreeMap<&[String], BTreeMap<&str, BTreeMap<String, String>>> = BTreeMap::new();
    for (from, module) in all {
        for name in &module.names {
            let to = defined(all, name);
            let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            let (Some(child), Some(other)) = (from.get(shared), to.get(shared)) else { continue };
            // A name that is no module belongs to the parent itself.
            if all.contains_key(&to[..=shared]) {
                let example = format!("{} names {}", from.join("::"), to.join("::"));
                let of = arrows.entry(&from[..shared]).or_default().entry(child).or_default();
                of.entry(other.clone()).or_insert(example);
            }
        }
    }
    let mut found = Vec::new();
    for (parent, children) in &arrows {
        let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for child in children.keys().copied() {
            let (mut seen, mut next) = (BTreeSet::new(), vec![child]);
            while let Some(at) = next.pop() {
                for to in children.get(at).into_iter().flat_map(|to| to.keys()) {
                    if seen.insert(to.as_str()) {
                        next.push(to);
                    }
                }
            }
            reached.insert(child, seen);
        }
        for (child, seen) in &reached {
            for (other, example) in &children[child] {
                if seen.contains(child)
                    && reached.get(other.as_str()).is_some_and(|back| back.contains(child))
                {
                    found.push(format!("{}: {child} -> {other}: {example}", parent.join("::")));
                }
            }
        }
    }
    found
}

/// The modules that the root of a crate declares, in its order.
fn listed(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root).expect("reads");
    let parsed = syn::parse_file(&text).expect("Rust");
    let name = |item| if let Item::Mod(item) = item { Some(item.ident.to_string()) } else { None };
    parsed.items.into_iter().filter_map(name).collect()
}

/// Top-level modules that name one that is not listed before them.
fn upward(all: &BTreeMap<Name, Module>, order: &[String]) -> Vec<String> {
    let place = |name: &String| order.iter().position(|listed| listed == name);
    let mut found = Vec::new();
    for (from, module) in all {
        for to in module.names.iter().map(|name| defined(all, name)) {
            let (Some(own), Some(other)) = (from.first().and_then(place), to.first().and_then(place)) else {
                continue;
            };
            if other > own {
                found.push(format!("{} names {}", from.join("::"), to.join("::")));
            }
        }
    }
    found
}

/// The crates of the project: the folder of each and the file that is its root.
fn crates() -> Vec<(PathBuf, &'static str)> {
    let project = wgrad_testing::project();
    let mut folders = vec![project.to_path_buf()];
    folders.extend(
        fs::read_dir(project.join("crates")).expect("lists").map(|entry| entry.expect("an entry").path()),
    );
    let root = |folder: &Path| if folder.join("src/program.rs").exists() { "program" } else { "lib" };
    folders.into_iter().map(|folder| (folder.join("src"), root(&folder))).collect()
}

#[test]
fn no_module_imports_one_that_imports_it() {
    let (mut count, mut found) = (0, Vec::new());
    for (folder, root) in crates() {
        let all = modules(&folder, root);
        assert!(all.contains_key(&Vec::new()), "{} has no {root}.rs", folder.display());
        count += all.len();
        let named = |what: String| format!("{}: {what}", folder.display());
        found.extend(circles(&all).into_iter().map(named));
        if root == "lib" {
            let order = listed(&folder.join("lib.rs"));
            let upward = upward(&all, &order).into_iter();
            found.extend(
                upward.map(|what| named(format!("lib.rs lists the first before the second: {what}"))),
            );
        }
    }
    assert!(count > 250, "only {count} modules were found");
    assert!(found.is_empty(), "modules that stand on the wrong floor:\n{}", found.join("\n"));
}
