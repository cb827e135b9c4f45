//! The private cluster, with real processes that really die.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod probe;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use sportello::database::{Database, Settings, is_unavailable, on_constraint};

use probe::{Folder, PROGRAM, Probe, connect, count, eventually, postmaster, processes, run};

fn settings(folder: &Folder) -> Settings {
    Settings { data_dir: folder.data(), max_connections: 4, guard_program: Some(PROGRAM.into()), ..Settings::default() }
}

#[tokio::test]
async fn starts_from_nothing_and_stops_with_its_user() {
    let folder = Folder::new();
    let data = folder.data();
    let database = Database::open(&settings(&folder)).await.unwrap();
    database.migrate().await.unwrap();
    database.migrate().await.unwrap();
    assert!(database.describe().starts_with("private cluster in "), "{}", database.describe());
    assert_ne!(data.join("postgres/cluster").metadata().unwrap().uid(), 0);

    let ask = async |setting: &'static str| -> String {
        sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(database.pool()).await.unwrap()
    };
    assert_eq!(ask("fsync").await, "on");
    assert_eq!(ask("data_checksums").await, "on");
    assert_eq!(ask("listen_addresses").await, "");
    assert_eq!(ask("server_encoding").await, "UTF8");
    assert_eq!(ask("statement_timeout").await, "10s");
    assert_eq!(ask("application_name").await, "sportello");

    let mut twice = Ok(());
    for _ in 0..2 {
        let insert = sqlx::query("insert into teams (name) values ('Returns')").execute(database.pool()).await;
        twice = insert.map(drop);
    }
    let err = twice.unwrap_err();
    assert!(on_constraint(&err).is_some_and(|name| name.starts_with("teams")), "{err}");
    assert!(!is_unavailable(&err));

    database.close().await;
    assert_eq!(postmaster(&data), None);
    assert_eq!(processes(&data), [""; 0]);
}

#[tokio::test]
async fn works_for_an_ordinary_user() {
    let Some(nobody) = User::from_name("nobody").unwrap().filter(|_| geteuid().is_root()) else {
        return; // every other test runs as one then
    };
    let folder = Folder::new();
    let data = folder.data();
    fs::create_dir(&data).unwrap();
    nix::unistd::chown(&data, Some(nobody.uid), Some(nobody.gid)).unwrap();
    let mut command = Probe::command(&data);
    command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw()).current_dir("/");
    let (probe, _) = Probe::ready(command);
    probe.stop();
    assert_eq!(data.join("postgres/cluster").metadata().unwrap().uid(), nobody.uid.as_raw());

    // root finds a cluster that belongs to somebody and runs it as them
    let (probe, _) = Probe::ready(Probe::command(&data));
    let server = fs::metadata(format!("/proc/{}", postmaster(&data).unwrap())).unwrap();
    assert_eq!(server.uid(), nobody.uid.as_raw());
    probe.stop();
}

#[tokio::test]
async fn a_killed_application_leaves_no_orphan_and_loses_nothing() {
    let folder = Folder::new();
    let data = folder.data();
    let (probe, _) = Probe::ready(Probe::command(&data));
    run(&data, "insert into teams (name) values ('kept')").await;
    probe.kill();
    eventually("Postgres and its guard end", || processes(&data).is_empty());
    assert_eq!(postmaster(&data), None, "an orderly end");

    let (probe, _) = Probe::ready(Probe::command(&data));
    assert_eq!(count(&data, "select count(*) from teams where name = 'kept'").await, 1);
    probe.stop();
}

#[tokio::test]
async fn everything_killed_at_once_recovers() {
    let folder = Folder::new();
    let data = folder.data();
    let (probe, _) = Probe::ready(Probe::command(&data));
    run(&data, "insert into teams (name) values ('kept')").await;
    kill_guard(&data);
    kill(Pid::from_raw(postmaster(&data).unwrap()), Signal::SIGKILL).unwrap();
    probe.kill();
    assert!(postmaster(&data).is_some(), "a stale file is left");

    let (probe, _) = Probe::ready(Probe::command(&data));
    assert_eq!(count(&data, "select count(*) from teams where name = 'kept'").await, 1);
    probe.stop();
}

fn kill_guard(data: &std::path::Path) {
    let mut killed = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains("postgres-guard") && line.contains(&data.display().to_string()) {
            kill(Pid::from_raw(entry.file_name().to_str().unwrap().parse().unwrap()), Signal::SIGKILL).unwrap();
            killed += 1;
        }
    }
    assert_eq!(killed, 1, "one guard to each data folder");
}

#[tokio::test]
async fn a_stale_pid_file_with_somebody_elses_number_is_no_obstacle() {
    let folder = Folder::new();
    let data = folder.data();
    let (probe, _) = Probe::ready(Probe::command(&data));
    let cluster = data.join("postgres/cluster");
    let files = [cluster.join("postmaster.pid"), data.join("postgres/socket/.s.PGSQL.5432.lock")];
    let texts = files.clone().map(|file| fs::read_to_string(file).unwrap());
    probe.stop();
    // a living process of the cluster's own user, the one case in which Postgres itself refuses to start
    let owner = cluster.metadata().unwrap();
    let mut sleeper = Command::new("sleep");
    sleeper.arg("60");
    if geteuid().is_root() {
        sleeper.uid(owner.uid()).gid(owner.gid());
    }
    let mut sleeper = sleeper.spawn().unwrap();
    for (file, text) in files.iter().zip(texts) {
        let (_, rest) = text.split_once('\n').unwrap();
        fs::write(file, format!("{}\n{rest}", sleeper.id())).unwrap();
    }

    let (probe, _) = Probe::ready(Probe::command(&data));
    probe.stop();
    assert!(sleeper.try_wait().unwrap().is_none(), "nobody touched the other process");
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

#[tokio::test]
async fn initdb_killed_halfway_is_made_anew() {
    let folder = Folder::new();
    let data = folder.data();
    for pause in [30, 150, 400] {
        let probe = Probe::run(Probe::command(&data));
        eventually("initdb begins", || {
            fs::read_dir(data.join("postgres")).is_ok_and(|mut entries| entries.any(|entry| entry.unwrap().path().join("base").exists()))
        });
        tokio::time::sleep(Duration::from_millis(pause)).await;
        probe.kill();
    }
    let (probe, _) = Probe::ready(Probe::command(&data));
    assert_eq!(count(&data, "select count(*) from desk").await, 1);
    probe.stop();
}

#[tokio::test]
async fn comes_back_when_postgres_is_killed_under_a_live_application() {
    let folder = Folder::new();
    let data = folder.data();
    let database = Database::open(&settings(&folder)).await.unwrap();
    sqlx::query("create table kept (n int)").execute(database.pool()).await.unwrap();
    let held = database.pool().acquire().await.unwrap();
    for round in 1..=2 {
        kill(Pid::from_raw(postmaster(&data).unwrap()), Signal::SIGKILL).unwrap();
        let began = Instant::now();
        loop {
            let asked = Instant::now();
            let answer = sqlx::query("insert into kept values ($1)").bind(round).execute(database.pool()).await;
            assert!(asked.elapsed() < Duration::from_secs(7), "a request hung for {:?}", asked.elapsed());
            match answer {
                Ok(_) => break,
                Err(err) => assert!(is_unavailable(&err), "{err:?}"),
            }
            assert!(began.elapsed() < Duration::from_secs(40), "not back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    drop(held);
    let rows: i64 = sqlx::query_scalar("select count(*) from kept").fetch_one(database.pool()).await.unwrap();
    assert_eq!(rows, 2);
    database.close().await;
    assert_eq!(processes(&data), [""; 0]);
}

#[tokio::test]
async fn a_second_process_joins_and_the_first_may_leave() {
    let folder = Folder::new();
    let data = folder.data();
    let (first, _) = Probe::ready(Probe::command(&data));
    let server = postmaster(&data).unwrap();
    let (second, _) = Probe::ready(Probe::command(&data));
    assert_eq!(postmaster(&data), Some(server), "joined, not started again");
    let began = Instant::now();
    second.stop();
    assert!(began.elapsed() < Duration::from_secs(4), "leaving a shared cluster is quick");
    assert_eq!(postmaster(&data), Some(server));

    let (second, _) = Probe::ready(Probe::command(&data));
    first.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(postmaster(&data), Some(server), "the second still needs it");
    // and the one that stayed is looked after: guard and server
    kill_guard(&data);
    tokio::time::sleep(Duration::from_secs(3)).await;
    kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
    eventually("another server", || postmaster(&data).is_some_and(|pid| pid != server));
    second.stop();
    eventually("the last one stops it", || processes(&data).is_empty());
}

#[tokio::test]
async fn many_processes_start_at_once() {
    let folder = Folder::new();
    let data = folder.data();
    let mut probes: Vec<Probe> = (0..4).map(|_| Probe::run(Probe::command(&data))).collect();
    for probe in &mut probes {
        probe.line_with("PostgreSQL");
    }
    assert_eq!(count(&data, "select count(*) from desk").await, 1);
    for probe in probes {
        probe.stop();
    }
    eventually("nobody is left", || processes(&data).is_empty());
}

#[tokio::test]
async fn a_long_path_and_odd_letters_are_fine() {
    let folder = Folder::new();
    let data = folder.data().join("ein sehr langer, \"merkwürdiger\" Ort".repeat(3));
    let mut settings = settings(&folder);
    settings.data_dir = data.clone();
    let database = Database::open(&settings).await.unwrap();
    let socket = database.connect_options().get_socket().cloned().unwrap();
    assert!(socket.starts_with("/tmp"), "{}", socket.display());
    sqlx::query("select 1").execute(database.pool()).await.unwrap();
    database.close().await;
    fs::remove_dir_all(socket).unwrap();
}

#[tokio::test]
async fn a_folder_that_postgres_cannot_reach_gets_its_cluster_elsewhere() {
    use std::os::unix::fs::PermissionsExt as _;
    if !geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    let data = folder.data();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let (probe, _) = Probe::ready(Probe::command(&data));
    let home = fs::read_link(data.join("postgres")).unwrap();
    assert!(home.starts_with("/var/lib"), "{}", home.display());
    probe.stop();
    let (probe, _) = Probe::ready(Probe::command(&data));
    probe.stop();
    assert_eq!(fs::read_link(data.join("postgres")).unwrap(), home);
    fs::remove_dir_all(home).unwrap();
}

#[tokio::test]
async fn a_cluster_that_cannot_start_says_why() {
    let folder = Folder::new();
    let data = folder.data();
    let (probe, _) = Probe::ready(Probe::command(&data));
    probe.stop();
    let config = data.join("postgres/cluster/postgresql.conf");
    fs::write(&config, "shared_preload_libraries = 'no_such_library'\n").unwrap();
    let err = Database::open(&settings(&folder)).await.unwrap_err().to_string();
    assert!(err.contains("no_such_library") && err.contains("postgres.log"), "{err}");
    fs::write(&config, "").unwrap();
    let (probe, _) = Probe::ready(Probe::command(&data));
    drop(connect(&data).await);
    probe.stop();
}

#[tokio::test]
async fn a_cluster_of_another_version_is_not_touched() {
    let folder = Folder::new();
    let data = folder.data();
    let (probe, _) = Probe::ready(Probe::command(&data));
    probe.stop();
    fs::write(data.join("postgres/cluster/PG_VERSION"), "9\n").unwrap();
    let err = Database::open(&settings(&folder)).await.unwrap_err().to_string();
    assert!(err.contains("made by PostgreSQL 9"), "{err}");
}
