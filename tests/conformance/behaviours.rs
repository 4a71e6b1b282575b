//! The behaviours, for whichever provider stands on the stage. `cloud::Provider` says them in words.

use std::collections::BTreeMap;

use tidegate::cloud::{Provider, ProviderError};
use tidegate::model::{Name, Server, ServerState};
use tidegate::policy::Idle;

/// A provider, and a way to let time pass.
pub trait Stage {
    fn provider(&self) -> &dyn Provider;

    /// The server as soon as `there` is true of it; fails after a time in which it should have been.
    fn settle(&self, id: &Name, what: &str, there: &dyn Fn(&Server) -> bool) -> impl Future<Output = Server>;
}

/// A test for each behaviour, by a function that puts a provider on the stage and asks it, with the id of a server.
macro_rules! asked_of {
    ($run:ident) => {
        #[test]
        fn a_list_agrees_with_a_look() {
            $run(async |stage, _| crate::behaviours::a_list_agrees_with_a_look(stage).await);
        }

        #[test]
        fn flavors_are_those_of_the_servers() {
            $run(async |stage, _| crate::behaviours::flavors_are_those_of_the_servers(stage).await);
        }

        #[test]
        fn an_unknown_server_is_not_there() {
            $run(async |stage, _| crate::behaviours::an_unknown_server_is_not_there(stage).await);
        }

        #[test]
        fn parked_and_woken_by_each_mode() {
            $run(async |stage, id| crate::behaviours::parked_and_woken_by_each_mode(stage, id).await);
        }

        #[test]
        fn deeper_goes_and_shallower_stays() {
            $run(async |stage, id| crate::behaviours::deeper_goes_and_shallower_stays(stage, id).await);
        }

        #[test]
        fn a_task_that_leads_elsewhere_is_told() {
            $run(async |stage, id| crate::behaviours::a_task_that_leads_elsewhere_is_told(stage, id).await);
        }

        #[test]
        fn metadata_is_set_and_removed() {
            $run(async |stage, id| crate::behaviours::metadata_is_set_and_removed(stage, id).await);
        }
    };
}
pub(crate) use asked_of;

fn at_rest(state: ServerState) -> impl Fn(&Server) -> bool {
    move |server| server.state == state && server.task.is_none()
}

async fn running(stage: &impl Stage, id: &Name) -> Server {
    stage.settle(id, "running", &at_rest(ServerState::Active)).await
}

/// What must be the same before, during and after.
fn identity(server: &Server) -> (Name, Name, Name, Name, bool) {
    (server.id.clone(), server.name.clone(), server.provider.clone(), server.flavor.clone(), server.floating_address)
}

/// Lists are sorted and whole, and agree with a look at each.
pub async fn a_list_agrees_with_a_look(stage: &impl Stage) {
    let provider = stage.provider();
    let servers = provider.servers().await.unwrap();
    assert!(!servers.is_empty());
    assert!(servers.is_sorted_by(|a, b| a.id < b.id));
    for server in &servers {
        assert_eq!(provider.server(&server.id).await.unwrap().as_ref(), Some(server));
    }
    let survey = provider.survey().await.unwrap();
    assert_eq!((survey.servers, survey.gaps), (servers, Vec::new()));
}

/// What servers are made of is known: their flavors, and what may be used in all.
pub async fn flavors_are_those_of_the_servers(stage: &impl Stage) {
    let provider = stage.provider();
    let flavors: BTreeMap<Name, _> =
        provider.flavors().await.unwrap().into_iter().map(|flavor| (flavor.name.clone(), flavor)).collect();
    for server in provider.servers().await.unwrap() {
        let flavor = flavors.get(&server.flavor).unwrap_or_else(|| panic!("no flavor {}", server.flavor));
        assert_eq!(flavor.provider, server.provider);
        assert!(flavor.capacity.cpu > 0 && flavor.capacity.memory > 0, "{flavor:?}");
    }
    if let Some(quota) = provider.quota().await.unwrap() {
        assert!(quota.servers.used > 0 && quota.cpu.used > 0 && quota.memory.used > 0, "{quota:?}");
    }
}

/// One that is not there is None, or an error of its own.
pub async fn an_unknown_server_is_not_there(stage: &impl Stage) {
    let provider = stage.provider();
    for id in ["6a1fb2b4-0000-4000-8000-000000000000", "no-such-server", "../limits", ""] {
        let id = Name::from(id);
        assert_eq!(provider.server(&id).await.unwrap(), None, "{id}");
        let gone = ProviderError::NotFound(id.to_string());
        assert_eq!(provider.park(&id, Idle::Shelve).await.unwrap_err(), gone);
        assert_eq!(provider.wake(&id).await.unwrap_err(), gone);
    }
    let id = Name::from("6a1fb2b4-0000-4000-8000-000000000000");
    let gone = ProviderError::NotFound(id.to_string());
    assert_eq!(provider.set_metadata(&id, "key", Some(&"value".into())).await.unwrap_err(), gone);
    assert_eq!(provider.set_metadata(&id, "key", None).await.unwrap_err(), gone);
}

/// There and back by each mode; what is so already and what is in flight is accepted; nothing else changes.
pub async fn parked_and_woken_by_each_mode(stage: &impl Stage, id: &Name) {
    let provider = stage.provider();
    let before = running(stage, id).await;
    for mode in provider.park_modes() {
        let parked = match mode.idle {
            Idle::Shelve => ServerState::ShelvedOffloaded,
            Idle::Stop => ServerState::Shutoff,
            Idle::Suspend => ServerState::Suspended,
            Idle::Delete => panic!("deleting is no way to park"),
        };
        let verb = mode.idle.verb();
        provider.park(id, mode.idle).await.unwrap();
        let in_flight = provider.server(id).await.unwrap().unwrap();
        assert!(in_flight.task.is_some() || in_flight.state == parked, "{verb} was accepted: {in_flight:?}");
        provider.park(id, mode.idle).await.unwrap();
        let there = stage.settle(id, verb, &at_rest(parked)).await;
        assert_eq!(identity(&there), identity(&before));
        assert_eq!((&there.fault, there.setback), (&None, None));
        assert!(there.since > before.since, "{verb}: {there:?}");
        provider.park(id, mode.idle).await.unwrap();
        assert_eq!(provider.server(id).await.unwrap().unwrap(), there, "{verb} of what is so already changes nothing");

        provider.wake(id).await.unwrap();
        provider.wake(id).await.unwrap();
        let back = running(stage, id).await;
        assert_eq!(identity(&back), identity(&before));
        assert_eq!((back.zone.clone(), back.metadata.clone()), (before.zone.clone(), before.metadata.clone()));
        provider.wake(id).await.unwrap();
        assert_eq!(provider.server(id).await.unwrap().unwrap(), back, "waking what runs changes nothing");
    }
    assert!(matches!(provider.park(id, Idle::Delete).await, Err(ProviderError::Unsupported(_))));
}

/// A stopped server can still be shelved; a shelved one is not started in order to be stopped.
pub async fn deeper_goes_and_shallower_stays(stage: &impl Stage, id: &Name) {
    let provider = stage.provider();
    running(stage, id).await;
    provider.park(id, Idle::Stop).await.unwrap();
    stage.settle(id, "stopped", &at_rest(ServerState::Shutoff)).await;
    provider.park(id, Idle::Shelve).await.unwrap();
    let deep = stage.settle(id, "shelved", &at_rest(ServerState::ShelvedOffloaded)).await;
    for shallow in [Idle::Stop, Idle::Suspend] {
        provider.park(id, shallow).await.unwrap();
        assert_eq!(provider.server(id).await.unwrap().unwrap(), deep);
    }
    provider.wake(id).await.unwrap();
    running(stage, id).await;
}

/// A task that leads elsewhere is told, with its name, and goes on.
pub async fn a_task_that_leads_elsewhere_is_told(stage: &impl Stage, id: &Name) {
    let provider = stage.provider();
    running(stage, id).await;
    provider.park(id, Idle::Shelve).await.unwrap();
    match provider.wake(id).await {
        Err(ProviderError::WrongState { server, why }) => {
            assert_eq!(server, id.to_string());
            assert!(why.contains("shelving"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    stage.settle(id, "shelved", &at_rest(ServerState::ShelvedOffloaded)).await;
    provider.wake(id).await.unwrap();
    assert!(matches!(provider.park(id, Idle::Stop).await, Err(ProviderError::WrongState { .. })));
    running(stage, id).await;
}

/// H23: who parked it stands with the server, and goes again.
pub async fn metadata_is_set_and_removed(stage: &impl Stage, id: &Name) {
    let provider = stage.provider();
    let before = running(stage, id).await.metadata;
    let key = "tidegate_conformance";
    let read = || async { provider.server(id).await.unwrap().unwrap().metadata };
    for value in ["workshop/workers since 2026-11-24T20:15:00Z", "ünïcödé/ \"quoted\"", &"x".repeat(255)] {
        let value = Name::from(value);
        provider.set_metadata(id, key, Some(&value)).await.unwrap();
        let mut expected = before.clone();
        expected.insert(key.into(), value.clone());
        assert_eq!(read().await, expected);
        let listed = provider.servers().await.unwrap();
        assert_eq!(listed.iter().find(|server| server.id == *id).unwrap().metadata, expected);
    }
    provider.set_metadata(id, key, None).await.unwrap();
    assert_eq!(read().await, before);
    provider.set_metadata(id, key, None).await.unwrap();
    assert_eq!(read().await, before);
}
