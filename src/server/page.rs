//! The status page: one page that needs nothing else, for a phone at 3 a.m. and for a wall.

use jiff::Timestamp;

use super::html::{element, escaped, section, text};
use super::parts;
use super::view::{Role, View};
use crate::report::{local_long, local_times};

/// Seconds after which a browser loads it again.
const AGAIN: u32 = 15;

/// The page at the wall clock's `now`.
pub fn page(view: &View, now: Timestamp) -> String {
    let zone = view.policy.as_ref().map_or("UTC", |policy| policy.zone.as_str());
    let title =
        view.policy.as_ref().map_or_else(|| "Tidegate".to_owned(), |policy| format!("Tidegate: {}", policy.name));
    let mut body = head(view, zone, now);
    body.push_str(&troubles(view, zone));
    body.push_str(&parts::work(view, zone));
    if let Some(plan) = &view.plan {
        body.push_str(&section("Pools", &parts::pools(plan, zone)));
        body.push_str(&section("What the plan does", &parts::steps(plan)));
        body.push_str(&section("The coming week", &parts::week(&view.week, zone)));
        body.push_str(&section("Pods that wait", &parts::waiting(plan)));
        body.push_str(&section("What keeps nodes", &parts::blockers(plan)));
        body.push_str(&section("By hand", &parts::by_hand(plan, zone)));
        body.push_str(&section("Nodes", &parts::nodes(&view.nodes, zone)));
        body.push_str(&section("Cost", &parts::cost(plan, zone)));
        body.push_str(&section("Worth knowing", &parts::notes(plan)));
    }
    body.push_str(&section("What happened", &parts::history(view, zone)));
    body.push_str(
        "<p class=\"soft\"><a href=\"/plan.json\">plan.json</a> · <a href=\"/snapshot.json\">snapshot.json</a> · \
         <a href=\"/metrics\">metrics</a></p>",
    );
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"refresh\" content=\"{AGAIN}\"><title>{}</title>\
         <style>{}</style></head><body>{body}</body></html>\n",
        escaped(&title),
        include_str!("page.css"),
    )
}

fn head(view: &View, zone: &str, now: Timestamp) -> String {
    let mut head = text("h1", "", view.policy.as_ref().map_or("Tidegate", |policy| policy.name.as_str()));
    if let Some(plan) = &view.plan {
        head.push_str(&text("p", "lead", local_times(&plan.summary.text, zone)));
        let context = plan.snapshot.context.as_deref().unwrap_or("the cluster");
        head.push_str(&text("p", "soft", format!("{context}, planned for {}", local_long(plan.now, zone))));
    }
    let role = match (view.role, &view.leader) {
        (Role::Leading, _) => "This replica leads".to_owned(),
        (Role::Standby, Some(leader)) => format!("This replica stands by; {leader} leads"),
        (Role::Standby, None) => "This replica stands by".to_owned(),
        (Role::Observing, _) => "This one observes: nothing of this is carried out by it".to_owned(),
        (Role::Starting, _) => "This replica is starting".to_owned(),
    };
    let next = view.next_look.map(|next| format!("; looks again {} at the latest", local_long(next, zone)));
    head.push_str(&text("p", "soft", format!("{role}{}", next.unwrap_or_default())));
    if let Some(policy) = &view.policy {
        let age = now.duration_since(policy.read).as_secs().max(0);
        let read = if age < 120 { "read just now".to_owned() } else { format!("last read good {} min ago", age / 60) };
        head.push_str(&text("p", "soft", format!("Policy from {}, {read}", policy.from.join(", "))));
    }
    element("header", "", &head)
}

fn troubles(view: &View, zone: &str) -> String {
    let one = |(part, trouble): (&&str, &super::Trouble)| {
        let words = local_times(&trouble.text, zone);
        let inner = format!(
            "{} {}",
            text("b", "bad", format!("{part}:")),
            escaped(&format!("{words} (since {})", local_long(trouble.since, zone)))
        );
        element("div", "trouble", &inner)
    };
    let refusals = view.plan.iter().flat_map(|plan| &plan.refusals).map(|refusal| {
        let words = escaped(&format!(" {}", local_times(&refusal.text, zone)));
        element("div", "trouble", &format!("{}{words}", text("b", "bad", format!("brake {}:", refusal.brake))))
    });
    view.troubles.iter().map(one).chain(refusals).collect()
}
