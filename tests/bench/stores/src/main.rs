//! Measures embedded stores on Moorage's workload. `README.md` says what and why; `--help` says how.

mod data;
mod group;
mod phases;
mod probe;
mod report;
mod store;
mod stores;
#[cfg(test)]
mod torn;

use anyhow::{Context, Result, bail, ensure};
use phases::{Figures, Setup};
use report::Report;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const HELP: &str = "\
Measures embedded stores on Moorage's workload; prints a table, and JSON after it.

  --records N        records stored before anything is measured (default 100000; the README's run: 1000000)
  --seconds S        time given to each measurement (default 1)
  --rounds N         alternating rounds over the stores, of which the median is shown (default 1)
  --stores A,B       only these
  --cache-mib N      the store's own cache (default 8)
  --sync-delay-us N  makes each sync this much slower, as a slower disk would (default 0)
  --dir DIR          where the data goes (default: beside the binary, which is on a disk; on a tmpfs, with
                     --sync-delay-us, what others do to the disk is kept out of the figures)
  --json FILE        also writes the JSON here
";

struct Options {
    records: u64,
    seconds: f64,
    rounds: u64,
    stores: Vec<String>,
    cache_mib: usize,
    sync_delay_us: u64,
    dir: Option<PathBuf>,
    json: Option<PathBuf>,
    /// Set in a child: the one phase to run, in which directory, with which salt.
    phase: Option<(String, PathBuf, u64)>,
}

fn options() -> Result<Options> {
    let mut options = Options {
        records: 100_000,
        seconds: 1.0,
        rounds: 1,
        stores: stores::NAMES.iter().map(ToString::to_string).collect(),
        cache_mib: 8,
        sync_delay_us: 0,
        dir: None,
        json: None,
        phase: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{name} needs a value"));
        match name.as_str() {
            "--records" => options.records = value()?.parse()?,
            "--seconds" => options.seconds = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--stores" => options.stores = value()?.split(',').map(str::to_owned).collect(),
            "--cache-mib" => options.cache_mib = value()?.parse()?,
            "--sync-delay-us" => options.sync_delay_us = value()?.parse()?,
            "--dir" => options.dir = Some(value()?.into()),
            "--json" => options.json = Some(value()?.into()),
            "--phase" => options.phase = Some((value()?, value()?.into(), value()?.parse()?)),
            "--help" | "-h" => {
                print!("{HELP}");
                std::process::exit(0);
            }
            _ => bail!("{name} is not known\n\n{HELP}"),
        }
    }
    ensure!(options.records >= 20_000, "a page of 1000 needs at least 20000 records");
    Ok(options)
}

fn main() -> Result<()> {
    let options = options()?;
    match &options.phase {
        Some((phase, dir, salt)) => child(&options, phase, dir, *salt),
        None => parent(&options),
    }
}

/// Runs one phase and prints its figures as one line of JSON.
fn child(options: &Options, phase: &str, dir: &Path, salt: u64) -> Result<()> {
    probe::set_sync_delay_us(options.sync_delay_us);
    probe::sleep_exactly();
    let setup = Setup {
        store: options.stores[0].clone(),
        dir: dir.to_owned(),
        records: options.records,
        seconds: options.seconds,
        cache_mib: options.cache_mib,
        salt,
    };
    let figures = match phase {
        "load" => phases::load(&setup)?,
        "open" => phases::open(&setup)?,
        "reads" => phases::reads(&setup)?,
        "commits" => phases::commits(&setup)?,
        "group-commits" => phases::group_commits(&setup)?,
        "reads-beside-writer" => phases::reads_beside_writer(&setup)?,
        "write-until-killed" => phases::write_until_killed(&setup)?,
        _ => bail!("no phase is called {phase}"),
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

fn parent(options: &Options) -> Result<()> {
    let root = data_root(options)?;
    let mut report = Report::new(options.records);
    let mut bench = Bench { options, root: root.clone(), salt: 0 };
    let result = options.stores.iter().try_for_each(|store| bench.load(store, &mut report)).and_then(|()| {
        (0..options.rounds)
            .try_for_each(|_| options.stores.iter().try_for_each(|store| bench.round(store, &mut report)))
    });
    std::fs::remove_dir_all(&root)?;
    result?;
    println!("{}", report.markdown(&options.stores));
    let json = serde_json::to_string_pretty(&report.json())?;
    println!("{json}");
    if let Some(path) = &options.json {
        std::fs::write(path, json)?;
    }
    Ok(())
}

/// A new directory of our own, removed at the end; beside the binary unless told otherwise, since /tmp may be
/// memory.
fn data_root(options: &Options) -> Result<PathBuf> {
    let binary = std::env::current_exe()?;
    let parent = match &options.dir {
        Some(dir) => dir,
        None => binary.parent().context("the binary is in no directory")?,
    };
    let root = parent.join(format!("bench-stores-{}", std::process::id()));
    std::fs::create_dir_all(&root)?;
    Ok(root)
}

struct Bench<'o> {
    options: &'o Options,
    root: PathBuf,
    salt: u64,
}

impl Bench<'_> {
    fn load(&mut self, store: &str, report: &mut Report) -> Result<()> {
        std::fs::create_dir_all(self.root.join(store))?;
        report.add(store, "", self.phase(store, "load", self.options.cache_mib)?);
        Ok(())
    }

    fn round(&mut self, store: &str, report: &mut Report) -> Result<()> {
        let cache_mib = self.options.cache_mib;
        report.add(store, "clean_", self.phase(store, "open", cache_mib)?);
        self.drop_page_cache(store)?;
        report.add(store, "cold_", self.phase(store, "open", cache_mib)?);
        self.fill_page_cache(store)?;
        report.add(store, "", self.phase(store, "reads", cache_mib)?);
        report.add(store, "", self.phase(store, "commits", cache_mib)?);
        report.add(store, "", self.phase(store, "group-commits", cache_mib)?);
        report.add(store, "", self.phase(store, "reads-beside-writer", cache_mib)?);
        self.kill(store)?;
        report.add(store, "killed_", self.phase(store, "open", cache_mib)?);
        self.kill(store)?;
        self.drop_page_cache(store)?;
        report.add(store, "killed_cold_", self.phase(store, "open", cache_mib)?);
        self.fill_page_cache(store)?;
        for cache_mib in [4, 16] {
            let figures = self.phase(store, "reads", cache_mib)?;
            let kept = figures
                .into_iter()
                .filter(|(name, _)| name.starts_with("gets_") || name == "get_p50_us" || name == "get_p99_us")
                .collect();
            report.add(store, &format!("cache{cache_mib}_"), kept);
        }
        Ok(())
    }

    fn command(&mut self, store: &str, phase: &str, cache_mib: usize) -> Result<Command> {
        self.salt += 1;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["--stores", store])
            .args(["--records", &self.options.records.to_string()])
            .args(["--seconds", &self.options.seconds.to_string()])
            .args(["--sync-delay-us", &self.options.sync_delay_us.to_string()])
            .args(["--cache-mib", &cache_mib.to_string()])
            .arg("--phase")
            .arg(phase)
            .arg(self.root.join(store))
            .arg(self.salt.to_string())
            .stdout(Stdio::piped());
        Ok(command)
    }

    fn phase(&mut self, store: &str, phase: &str, cache_mib: usize) -> Result<Figures> {
        eprintln!("{store}: {phase}");
        let output = self.command(store, phase, cache_mib)?.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{store}: {phase} failed: {}", output.status);
        let figures = serde_json::from_slice(&output.stdout)?;
        // So that a run that is cut short has said something.
        eprintln!("  {figures:.1?}");
        Ok(figures)
    }

    /// Kills a process that commits, some way into its work.
    fn kill(&mut self, store: &str) -> Result<()> {
        eprintln!("{store}: kill");
        let mut child = self.command(store, "write-until-killed", self.options.cache_mib)?.spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the child has no output")?).read_line(&mut line)?;
        if line.trim() == "go" {
            std::thread::sleep(Duration::from_millis(200 + data::mix(self.salt) % 200));
        }
        child.kill()?;
        child.wait()?;
        ensure!(line.trim() == "go", "{store}: the writer ended before it was killed");
        Ok(())
    }

    /// Makes the next open read from the disk.
    fn drop_page_cache(&self, store: &str) -> Result<()> {
        for_each_file(&self.root.join(store), &|path| {
            let file = File::open(path)?;
            // Only clean pages are dropped.
            file.sync_all()?;
            // SAFETY: the descriptor is open; the call takes only numbers.
            unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
            Ok(())
        })
    }

    /// Makes what follows read from memory.
    fn fill_page_cache(&self, store: &str) -> Result<()> {
        for_each_file(&self.root.join(store), &|path| {
            let mut file = File::open(path)?;
            // Without readahead, which makes large folios, as no store's own random reads would.
            // SAFETY: as above.
            unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_RANDOM) };
            let mut chunk = vec![0; 1 << 20];
            while file.read(&mut chunk)? > 0 {}
            Ok(())
        })
    }
}

fn for_each_file(dir: &Path, visit: &dyn Fn(&Path) -> Result<()>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { for_each_file(&path, visit)? } else { visit(&path)? }
    }
    Ok(())
}
