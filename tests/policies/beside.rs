//! User data in a file beside the policy: what may stand there, and that it counts.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidegate::policy::{Loaded, MOST_USER_DATA, load_with, print_effective};
use tidegate::source::{GitOptions, read};

fn text(file: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: p}}\nspec:\n  \
         providers: [{{name: cloud, openstack: {{cloud: shop}}}}]\n  pools:\n    - name: burst\n      \
         nodes: {{names: \"burst-{{1..4}}\"}}\n      idle: delete\n      \
         create: {{image: ubuntu, flavors: small, userData: {{file: {file:?}}}}}\n"
    )
}

fn loaded(path: &Path) -> Loaded {
    let sources = read(&[PathBuf::from(path)], &GitOptions::default()).unwrap();
    let loaded = load_with(&sources.files, &sources.beside);
    crate::helped(&loaded.problems);
    loaded
}

fn folder(word: &str, files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("policy.yaml"), text(word)).unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

#[test]
fn a_file_counts_by_what_is_in_it_and_not_by_its_name() {
    let digest = |word: &str, content: &str| {
        let folder = folder(word, &[(word, content.as_bytes())]);
        let policies = [folder.path().to_owned(), folder.path().join("policy.yaml")].map(|path| {
            let loaded = loaded(&path);
            loaded.policy.unwrap_or_else(|| panic!("{:#?}", loaded.problems))
        });
        let [whole, one] = policies;
        assert_eq!(whole.digest, one.digest);
        assert_eq!(whole.files.len(), 1, "what it names is no policy: {:?}", whole.files);
        let template = whole.pools[0].create.as_ref().unwrap();
        assert_eq!(template.user_data.as_deref(), Some(content));
        assert!(print_effective(&whole).contains(&format!("userData: {{file: \"{word}\"}}")));
        whole.digest
    };
    let first = digest("join.sh", "join ${TIDEGATE_NODE}");
    assert_eq!(first, digest("boot/join.yaml", "join ${TIDEGATE_NODE}"), "places do not count");
    assert_eq!(first, digest("policy2.yml", "join ${TIDEGATE_NODE}"));
    assert_ne!(first, digest("join.sh", "join ${TIDEGATE_NODE} now"), "the text does");
}

#[test]
fn what_cannot_be_user_data_is_said_with_the_next_step() {
    let most = vec![b'x'; MOST_USER_DATA];
    let more = vec![b'x'; MOST_USER_DATA + 1];
    for (word, files, expected) in [
        ("join.sh", vec![("join.sh", most.as_slice())], None),
        ("join.sh", vec![("join.sh", more.as_slice())], Some("has 49150 bytes, and servers take 49149")),
        ("join.sh", vec![], Some("there is no file `")),
        ("../join.sh", vec![], Some("`../join.sh` does not stand beside the policy")),
        ("/etc/hostname", vec![], Some("does not stand beside the policy")),
        ("boot", vec![("boot/join.sh", b"x".as_slice())], Some("`boot` cannot be read: ")),
        ("join.sh", vec![("join.sh", b"")], Some("`join.sh` is empty")),
        ("join.sh", vec![("join.sh", b"\xff\xfe")], Some("is not a text in UTF-8")),
        ("join.sh", vec![("join.sh", b"${TIDEGATE_NAME}")], Some("has the variable `TIDEGATE_NAME`, which is none")),
        ("policy.yaml", vec![], None),
    ] {
        let folder = folder(word, &files);
        let loaded = loaded(folder.path());
        let messages: Vec<&str> = loaded.problems.iter().map(|problem| problem.message.as_str()).collect();
        match expected {
            None => assert!(loaded.policy.is_some(), "{word}: {messages:?}"),
            Some(part) if part.contains("read") => {
                assert_eq!(&*loaded.problems[0].code, "unreadable-file");
                assert!(messages[0].contains(part), "{word}: {messages:?}");
            }
            Some(part) => assert!(
                loaded.policy.is_none() && messages.iter().any(|message| message.contains(part)),
                "{word}: {messages:?}"
            ),
        }
    }
}
