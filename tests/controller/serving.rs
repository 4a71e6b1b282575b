//! What it answers: bounded, without secrets, and with every name escaped.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use tidegate::plan::NodeStatus;
use tidegate::server::{Board, Listen, serve};

use super::process::{Place, TUESDAY_EVENING, get, get_with, send};

/// A board that answers on a port of its own.
fn board(listen: &str, token: Option<std::path::PathBuf>) -> (Board, String) {
    let board = Board::default();
    board.beat();
    let address = serve(&Listen { address: listen.parse().unwrap(), token }, board.clone()).unwrap();
    (board, format!("127.0.0.1:{}", address.port()))
}

#[test]
fn the_plan_the_snapshot_and_the_page_are_those_of_the_sandbox() {
    let place = Place::at(TUESDAY_EVENING);
    let running = place.run(&["--slow", "1"]);
    running.until_shown("/readyz", "ok: leader");
    let page = running.until_shown("/", "Under way");
    for words in ["demo-k8s-node-nf-2", "The coming week", "tuesday-workshop", "SU", "What happened", "<progress"] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"), "{page}");
    let plan: serde_json::Value = serde_json::from_str(&get(&running.address, "/plan.json").1).unwrap();
    assert_eq!(plan["pools"][0]["name"], "workers");
    assert_eq!(get(&running.address, "/nothing").0, 404);
}

/// What `/snapshot.json` hands out is a file that `plan --snapshot` reads.
#[test]
fn a_snapshot_reads_back() {
    let place = Place::at(TUESDAY_EVENING);
    assert!(place.run(&["--until", "6h"]).ended().success());
    let running = place.run(&["--slow", "1"]);
    running.until_shown("/readyz", "ok: leader");
    let (status, body) = get(&running.address, "/snapshot.json");
    assert_eq!(status, 200, "{body}");
    let file = place.folder.path().join("shot.json");
    std::fs::write(&file, body).unwrap();
    let snapshot = tidegate::observe::read(&[file]).unwrap();
    assert_eq!(snapshot.nodes.len(), 11);
}

/// Nobody brings it down by being large, slow, many or strange.
#[test]
fn requests_are_bounded() {
    let (_board, address) = board("127.0.0.1:0", None);
    assert!(send(&address, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 405"));
    let large = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
    let answer = send(&address, large.as_bytes());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(1_000));
    let answer = send(&address, many.as_bytes());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let answer = send(&address, b"\x16\x03\x01 nonsense\r\n\r\n");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    // As many as there are places say nothing; one more is answered as soon as they are let go.
    let silent: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(b"GET / HT").unwrap();
            stream
        })
        .collect();
    assert_eq!(get(&address, "/healthz"), (200, "ok\n".to_owned()));
    drop(silent);
}

/// On an address that others reach only health is told, unless they bring the token.
#[test]
fn others_need_a_token() {
    let (_board, address) = board("0.0.0.0:0", None);
    assert_eq!(get(&address, "/healthz").0, 200);
    for path in ["/", "/metrics", "/plan.json", "/snapshot.json"] {
        assert_eq!(get(&address, path).0, 403, "{path}");
    }
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "0123456789abcdef0123\n").unwrap();
    let (_board, address) = board("0.0.0.0:0", Some(token.clone()));
    assert_eq!(get(&address, "/metrics").0, 401);
    for wrong in ["0123456789abcdef0124", "0123456789abcdef012", "0123456789abcdef01230", ""] {
        assert_eq!(get_with(&address, "/metrics", &format!("Authorization: Bearer {wrong}\r\n")).0, 401, "{wrong}");
    }
    let (status, body) = get_with(&address, "/metrics", "Authorization: Bearer 0123456789abcdef0123\r\n");
    assert_eq!(status, 200);
    assert!(!body.contains("0123456789abcdef"));
    std::fs::write(&token, "short").unwrap();
    assert!(serve(&Listen { address: "127.0.0.1:0".parse().unwrap(), token: Some(token) }, Board::default()).is_err());
}

/// A page from elsewhere whose name leads to this machine reads nothing in a browser here.
#[test]
fn only_the_machines_own_names_are_answered_where_nobody_needs_a_token() {
    let (_board, address) = board("127.0.0.1:0", None);
    let asked = |host: &str| {
        let answer = send(&address, format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for own in ["localhost", "LOCALHOST:9000", "127.0.0.1", "127.1.2.3:80", "[::1]:80"] {
        assert_eq!(asked(own), "200", "{own}");
    }
    for other in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:9000", "10.0.0.1", "[::2]"] {
        assert_ne!(asked(other), "200", "{other}");
    }
}

/// A node may have any name, and an apply any message.
#[test]
fn names_are_escaped_on_the_page_and_in_the_metrics() {
    let (board, address) = board("127.0.0.1:0", None);
    let hostile = "<img src=x onerror=alert(1)>\"\n} evil 1\n\u{202e}";
    let place = Place::at(TUESDAY_EVENING);
    let world = place.world();
    let policy = super::executing::policy("jetstream-workshop");
    let (mut plan, _) = tidegate::plan::plan(&policy, &world, TUESDAY_EVENING.parse().unwrap());
    plan.summary.text = hostile.to_owned();
    plan.pools[0].name = hostile.to_owned();
    plan.steps.iter_mut().for_each(|step| step.node = hostile.to_owned());
    plan.notes.push(hostile.to_owned());
    let status = NodeStatus {
        pool: Some(hostile.to_owned()),
        node: hostile.to_owned(),
        state: hostile.to_owned(),
        since: Some(plan.now),
        why: hostile.to_owned(),
        who: hostile.to_owned(),
        next: hostile.to_owned(),
        next_at: None,
        next_change: None,
        per_hour_micros: None,
    };
    board.change(|view| {
        view.note(plan.now, hostile, true);
        view.nodes = Arc::new(vec![status]);
        view.leader = Some(hostile.to_owned());
        view.plan = Some(Arc::new(plan));
    });
    let (_, page) = get(&address, "/");
    assert!(page.contains("&lt;img src=x") && !page.contains("<img") && !page.contains('\u{202e}'), "{page}");
    let (_, metrics) = get(&address, "/metrics");
    assert!(metrics.lines().all(|line| !line.starts_with("} evil")), "{metrics}");
    super::metrics::well_formed(&metrics);
}
