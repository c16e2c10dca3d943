//! Every relative link in the project's texts leads to a file and a heading that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::support::tools;

/// Folders that are not part of the project, or whose files were written by others.
const EXCLUDED: [&str; 4] = ["target", ".git", "node_modules", "build"];

/// Adds the texts below a folder.
fn collect(folder: &Path, texts: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() && !EXCLUDED.iter().any(|other| name == *other) {
            collect(&entry.path(), texts);
        } else if kind.is_file() && entry.path().extension().is_some_and(|it| it == "md") {
            texts.push(entry.path());
        }
    }
}

/// Returns the lines of a text outside its blocks of code.
fn prose(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code && !line.starts_with("    ") {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// Returns the targets of the links in a line.
fn links(line: &str) -> Vec<String> {
    // The parts with odd numbers are code.
    let parts = line.split('`').enumerate();
    let bare: Vec<&str> = parts
        .map(|(place, part)| if place % 2 == 0 { part } else { "code" })
        .collect();
    let bare = bare.concat();
    let starts = bare.split("](").skip(1);
    let targets = starts.filter_map(|rest| rest.split(')').next());
    targets.map(str::to_owned).collect()
}

/// Returns the anchors that GitHub makes for a text's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for line in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let kept = title.trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        let anchor = kept.collect::<String>().replace(' ', "-");
        let times = seen.entry(anchor.clone()).or_insert(0);
        anchors.insert(match times {
            0 => anchor,
            _ => format!("{anchor}-{times}"),
        });
        *times += 1;
    }
    anchors
}

/// Resolves `..`. None if the path leads out of the project.
fn resolved(path: &Path) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            part => resolved.push(part),
        }
    }
    resolved.starts_with(tools::root()).then_some(resolved)
}

/// Returns the reason why a link in a text is broken. None if it is not.
fn broken(text: &Path, link: &str) -> Option<&'static str> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = match file {
        "" => text.to_owned(),
        file => text.parent()?.join(file),
    };
    let Some(path) = resolved(&path) else {
        return Some("leads out of the project");
    };
    if !path.exists() {
        return Some("there is no such file");
    }
    if anchor.is_empty() {
        return None;
    }
    let is_there = fs::read_to_string(&path).is_ok_and(|text| anchors(&text).contains(anchor));
    (!is_there).then_some("there is no such heading")
}

#[test]
fn every_link_leads_to_a_file() {
    let mut texts = Vec::new();
    collect(tools::root(), &mut texts);
    let mut found = 0;
    let mut wrong = Vec::new();
    for text in &texts {
        let lines = prose(&fs::read_to_string(text).expect("a text"));
        for link in lines.iter().flat_map(|line| links(line)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            found += 1;
            if let Some(reason) = broken(text, &link) {
                wrong.push(format!("{}: {link}: {reason}", text.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(texts.len() >= 10 && found > 100, "{found} in {texts:?}");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let readme = tools::root().join("README.md");
    for link in ["none.md", "LICENSE#none", "../x", "#none", "src/../none"] {
        assert!(broken(&readme, link).is_some(), "{link}");
    }
    for link in ["LICENSE", "README.ru.md#песочница", "src/../LICENSE"] {
        assert_eq!(broken(&readme, link), None, "{link}");
    }
    let twice = anchors("# C\n## C#\n## C++\n```\n# not this\n```\n## Закрытие смены, чеки\n");
    let expected = ["c", "c-1", "c-2", "закрытие-смены-чеки"];
    assert_eq!(twice, expected.map(str::to_owned).into());
}

/// Whether a path matches a pattern of packaging/archive, which may contain one `*`.
fn matches_pattern(path: &str, pattern: &str) -> bool {
    let folder = |path: &str| path.rsplit_once('/').unwrap_or(("", path)).0.len();
    let (begin, end) = pattern.split_once('*').unwrap_or((pattern, ""));
    match pattern.contains('*') {
        true => path.starts_with(begin) && path.ends_with(end) && folder(path) == folder(pattern),
        false => path == pattern,
    }
}

#[test]
fn the_links_of_the_russian_texts_lead_somewhere_in_the_archives_too() {
    let script = fs::read_to_string(tools::root().join("packaging/archive")).expect("the script");
    let (_, list) = script.split_once("SOURCES = [\n").expect("a list");
    let (list, _) = list.split_once("\n]").expect("its end");
    let patterns: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    let is_packed = |path: &str| {
        patterns
            .iter()
            .any(|pattern| matches_pattern(path, pattern))
    };
    let mut texts = Vec::new();
    collect(tools::root(), &mut texts);
    let mut found = 0;
    for text in texts {
        let inside = text.strip_prefix(tools::root()).expect("a text of ours");
        let inside = inside.to_str().expect("UTF-8");
        let of_bindings = ["delphi", "csharp", "onec"].map(|of| format!("bindings/{of}/README.md"));
        if !inside.ends_with(".ru.md") && !of_bindings.iter().any(|file| file == inside) {
            continue;
        }
        assert!(is_packed(inside), "{inside} is in no archive");
        let lines = prose(&fs::read_to_string(&text).expect("a text"));
        for link in lines.iter().flat_map(|line| links(line)) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let target = resolved(&text.parent().expect("a folder").join(file));
            let target = target.expect("a file of ours");
            let target = target.strip_prefix(tools::root()).expect("a file of ours");
            let target = target.to_str().expect("UTF-8");
            assert!(is_packed(target), "{inside}: {target} is in no archive");
            found += 1;
        }
    }
    assert!(found > 40, "{found}");
}
