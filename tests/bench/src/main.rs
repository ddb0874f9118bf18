//! Drives OCI registries side by side and compares them: see the README beside this package.

mod campaign;
mod cli;
mod clocks;
mod content;
mod http;
mod measure;
mod place;
mod report;
mod rounds;
mod rows;
mod seed;
mod stats;
mod syncs;
mod target;
mod work;

use anyhow::{Context, Result, ensure};

use cli::{Arguments, Mode};
use place::Folder;
use report::Report;

fn main() -> Result<()> {
    let arguments: Arguments = argh::from_env();
    match arguments.mode {
        Mode::Rows => list_rows(),
        Mode::Syncs => syncs::count_all(&arguments.targets()?, &folder(&arguments)?, arguments.seed)?,
        Mode::Seed => drop(campaign::fill(&arguments, arguments.targets()?, &folder(&arguments)?)?),
        Mode::Measure => {
            let contenders = campaign::filled(arguments.targets()?, &folder(&arguments)?)?;
            write_out(&arguments, &campaign::measure(&arguments, contenders)?)?;
        }
        Mode::All => {
            let folder = folder(&arguments)?;
            let contenders = campaign::fill(&arguments, arguments.targets()?, &folder)?;
            write_out(&arguments, &campaign::measure(&arguments, contenders)?)?;
        }
    }
    Ok(())
}

fn folder(arguments: &Arguments) -> Result<Folder> {
    ensure!(
        arguments.work.is_some() || !matches!(arguments.mode, Mode::Seed | Mode::Measure),
        "give --work, the folder where data stays between `seed` and `measure`"
    );
    Folder::new(arguments.work.clone())
}

fn list_rows() {
    for row in rows::ROWS {
        println!("{:<24} {:<36} {:?}", row.id, row.title, row.aim);
    }
}

fn write_out(arguments: &Arguments, report: &Report) -> Result<()> {
    let table = report::table(report);
    println!("{table}");
    if let Some(path) = &arguments.markdown {
        std::fs::write(path, &table).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &arguments.json {
        let json = serde_json::to_vec_pretty(report)?;
        std::fs::write(path, json).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
