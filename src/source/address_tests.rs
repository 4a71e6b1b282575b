use super::*;

fn parsed(text: &str) -> Option<Result<Address, AddressError>> {
    Address::parse(Path::new(text))
}

fn named(name: &str) -> Want {
    Want::Named(name.to_owned())
}

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn each_form_names_a_repository_a_path_and_a_commit() {
    for (text, repository, path, want) in [
        ("https://h/t/p.git", "https://h/t/p.git", "", Want::Head),
        ("https://h/t/p.git//pools/a.yaml?ref=main", "https://h/t/p.git", "pools/a.yaml", named("main")),
        ("HTTPS://h/t/p.git//", "https://h/t/p.git", "", Want::Head),
        ("ssh://git@h:22/t/p.git//a?ref=v1", "ssh://git@h:22/t/p.git", "a", named("v1")),
        ("git@h:t/p.git//a b/?ref=release%2F1", "git@h:t/p.git", "a b", named("release/1")),
        ("git@h:p", "git@h:p", "", Want::Head),
        ("file:///srv/p.git//./a//b/?ref=refs/tags/v1", "file:///srv/p.git", "a/b", named("refs/tags/v1")),
        ("file:///srv/p.git?ref=HEAD", "file:///srv/p.git", "", Want::Head),
        (
            "file:///p.git//a%3Fb?ref=0123456789ABCDEF0123456789abcdef01234567",
            "file:///p.git",
            "a?b",
            Want::Commit(COMMIT.into()),
        ),
        ("https://h/a/p.git?ref=a%25b", "https://h/a/p.git", "", named("a%b")),
    ] {
        let expected = Address { repository: repository.into(), path: path.into(), want };
        assert_eq!(parsed(text), Some(Ok(expected.clone())), "{text}");
        let pinned = expected.pinned(&expected.path, COMMIT);
        let again = Address { want: Want::Commit(COMMIT.into()), ..expected };
        assert_eq!(parsed(&pinned), Some(Ok(again)), "{pinned}");
    }
}

#[test]
fn files_and_folders_are_none() {
    for text in
        ["policy.yaml", "-", "./git@h:p", "a/b@c:d", "/srv/p.git", "c:\\a", "host:path", "@h:p", "..", "ext::sh -c x"]
    {
        assert_eq!(parsed(text), None, "{text}");
    }
}

#[test]
fn what_could_be_taken_for_something_else_is_refused() {
    for (text, said) in [
        ("http://h/p.git", "not over `http`"),
        ("git://h/p.git", "not over `git`"),
        ("ext+sh://h/p.git", "not over `ext+sh`"),
        ("https://name:hunter2@h/p.git", "before its `@`"),
        ("https://token@h/p.git", "before its `@`"),
        ("ssh://a:hunter2@h/p.git", "before its `@`"),
        ("ssh://-oProxyCommand=x/p.git", "begins with a dash"),
        ("ssh://git@-oProxyCommand=x/p.git", "begins with a dash"),
        ("-o@h:p", "begins with a dash"),
        ("git@-oProxyCommand=x:p", "begins with a dash"),
        ("https:///p.git", "names no host"),
        ("https://h", "names no repository"),
        ("https://h//a", "names no repository"),
        ("file://", "names no repository"),
        ("file:////p.git", "names no repository"),
        ("file://p.git", "names a host"),
        ("https://h/p q.git", "a space or a control"),
        ("https://h/p\n.git", "a space or a control"),
        ("https://h/p\u{202e}.git", "a space or a control"),
        ("https://h/p.git#main", "a branch is named with `?ref=`"),
        ("https://h/p.git?ref=main#x", "a branch is named with `?ref=`"),
        ("https://h/p.git//../x", "leads out"),
        ("https://h/p.git//a/%2e%2E/x", "leads out"),
        ("https://h/p.git//a%2F..%2Fx", "leads out"),
        ("https://h/p.git//a\\b", "backslash"),
        ("https://h/p.git//a%00b", "control character"),
        ("https://h/p.git//a%zz", "begins no character"),
        ("https://h/p.git//a%ff", "begins no character"),
        ("https://h/p.git?branch=main", "`?ref=` with a branch"),
        ("https://h/p.git?ref=", "cannot be the name"),
        ("https://h/p.git?ref=--upload-pack=x", "cannot be the name"),
        ("https://h/p.git?ref=main~1", "cannot be the name"),
        ("https://h/p.git?ref=main..x", "cannot be the name"),
        ("https://h/p.git?ref=@{u}", "cannot be the name"),
        ("https://h/p.git?ref=@", "cannot be the name"),
        ("https://h/p.git?ref=:/fix", "cannot be the name"),
        ("https://h/p.git?ref=refs/*", "cannot be the name"),
        ("https://h/p.git?ref=+main:other", "cannot be the name"),
        ("https://h/p.git?ref=a//b", "cannot be the name"),
        ("https://h/p.git?ref=/a", "cannot be the name"),
        ("https://h/p.git?ref=a.lock", "cannot be the name"),
        ("https://h/p.git?ref=.a", "cannot be the name"),
        ("https://h/p.git?ref=a%0ab", "cannot be the name"),
        ("https://h/p.git?ref=0123456789abcdef0123456789abcdef012345670123456789abcdef01234567", "SHA-256"),
    ] {
        let error = parsed(text).unwrap_or_else(|| panic!("{text} is no address")).unwrap_err();
        assert!(error.to_string().contains(said), "{text}: {error}");
        assert!(!error.hint().is_empty());
        assert!(!error.to_string().contains("hunter2"), "no password is said: {error}");
    }
    assert!(parsed(&format!("https://h/{}", "a".repeat(2000))).unwrap().is_err());
}

proptest::proptest! {
    /// Whatever is written: it is refused, or it is a repository that git cannot take for an option, a path inside of
    /// it, and a reference that is no pattern.
    #[test]
    fn no_word_leads_astray(text in "(https://|ssh://|file:///|git@)[-a-z@:/.%?#=~^2eEfF{}*+ ]{0,40}(\\?ref=[-a-z/.@{}:^~*%0-9]{0,12})?") {
        if let Some(Ok(address)) = parsed(&text) {
            assert!(!address.repository.starts_with('-'));
            assert!(address.path.split('/').all(|part| part != ".." && part != "."));
            assert!(!address.path.starts_with('/') && !address.path.ends_with('/'));
            if let Want::Named(name) = &address.want {
                assert!(!name.contains(|c: char| c.is_whitespace() || "~^:?*[\\".contains(c)), "{name}");
                assert!(!name.contains("..") && !name.contains("//") && !name.ends_with(['/', '.']), "{name}");
                assert!(!name.starts_with('-'));
            }
            let pinned = address.pinned(&address.path, COMMIT);
            let again = Address { want: Want::Commit(COMMIT.into()), ..address };
            assert_eq!(parsed(&pinned), Some(Ok(again)), "{}", pinned);
        }
    }
}
