//! The packages of the workspace and what each depends on, as cargo says it.

use crate::tree::run;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One package of the workspace.
pub struct Member {
    /// The package's name, `sohoa-record`.
    pub name: String,
    /// Its folder relative to the root, `crates/record`.
    pub folder: String,
    /// Names of its normal and build dependencies, its own crates among them.
    pub dependencies: BTreeSet<String>,
    /// Names of the dependencies of its tests only.
    pub test_dependencies: BTreeSet<String>,
}

/// All packages of the workspace, by name.
pub fn members() -> BTreeMap<String, Member> {
    let metadata: Value =
        serde_json::from_str(&run("cargo", &["metadata", "--format-version", "1", "--no-deps", "--locked"])).unwrap();
    let root = metadata["workspace_root"].as_str().unwrap();
    let package = |package: &Value| {
        let name = package["name"].as_str().unwrap().to_owned();
        let manifest = package["manifest_path"].as_str().unwrap();
        let folder = manifest.strip_prefix(root).unwrap().trim_start_matches('/').trim_end_matches("/Cargo.toml").to_owned();
        let of_kind = |test: bool| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            dependencies
                .filter(|dependency| (dependency["kind"] == "dev") == test)
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect()
        };
        (name.clone(), Member { name, folder, dependencies: of_kind(false), test_dependencies: of_kind(true) })
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

/// Names of all packages that go into `package` when it is built for use (not for tests) with its default features: itself, what it
/// depends on, what these depend on.
pub fn tree(package: &str) -> BTreeSet<String> {
    tree_with(package, &[])
}

/// The same without its default features.
pub fn smallest_tree(package: &str) -> BTreeSet<String> {
    tree_with(package, &["--no-default-features"])
}

fn tree_with(package: &str, features: &[&str]) -> BTreeSet<String> {
    let asked = ["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let lines = run("cargo", &[&asked[..], features].concat());
    let names: BTreeSet<_> = lines.lines().filter_map(|line| line.split(' ').next()).map(String::from).collect();
    assert!(names.contains(package), "cargo tree does not know {package}");
    names
}
