//! Our figure against its aim.

use serde::Serialize;

use super::{Line, Report};
use crate::rows::Aim;
use crate::target::{Role, Syncs};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Ours, in parts of what it is compared with (or ours as it is, where the aim is a bound).
    pub ratio: f64,
    pub compared_with: String,
    pub aim: String,
    pub is_met: bool,
}

/// The verdict on `line`; `None` where there is no figure of ours, no aim, or nothing to compare with.
pub fn judge(report: &Report, line: &Line) -> Option<Verdict> {
    let ours_at = report.targets.iter().position(|target| target.role == Role::Ours)?;
    let ours = line.cells[ours_at].median?;
    match line.row.aim {
        Aim::None => {
            let (best, name) = best(report, line, |_, role| role == Role::Peer)?;
            let compared_with = name.to_owned();
            Some(Verdict { ratio: ours / best, compared_with, aim: String::new(), is_met: true })
        }
        Aim::AtMost(bound) => Some(Verdict {
            ratio: ours,
            compared_with: "itself".into(),
            aim: format!("at most {bound}"),
            is_met: ours <= bound,
        }),
        Aim::BestPeer(times) => against(ours, best(report, line, |_, role| role == Role::Peer)?, times),
        Aim::BestSyncing(times) => {
            against(ours, best(report, line, |syncs, role| role == Role::Peer && syncs == Syncs::Yes)?, times)
        }
        Aim::FileServer(part) => against(ours, best(report, line, |_, role| role == Role::Static)?, part),
        Aim::BestPeerAndRow(times, id, part) => {
            let other =
                report.rows.iter().find(|line| line.id == id).and_then(|line| line.cells[ours_at].median);
            let peer =
                best(report, line, |_, role| role == Role::Peer).and_then(|best| against(ours, best, times));
            let own = other.and_then(|other| against(ours, (other, id), part));
            match (peer, own) {
                (Some(peer), Some(own)) => Some(Verdict {
                    aim: format!("{}; {} of {id}: {:.2}", peer.aim, own.aim, own.ratio),
                    is_met: peer.is_met && own.is_met,
                    ..peer
                }),
                (peer, own) => peer.or(own),
            }
        }
    }
}

fn against(ours: f64, (theirs, name): (f64, &str), aim: f64) -> Option<Verdict> {
    let ratio = ours / theirs;
    Some(Verdict { ratio, compared_with: name.to_owned(), aim: format!("{aim} x"), is_met: ratio >= aim })
}

/// The best figure among the targets that `counts` admits, and whose it is. Only rates are compared, so
/// more is better.
fn best<'a>(report: &'a Report, line: &Line, counts: impl Fn(Syncs, Role) -> bool) -> Option<(f64, &'a str)> {
    let figures = report.targets.iter().zip(&line.cells);
    figures
        .filter(|(target, _)| counts(target.syncs, target.role))
        .filter_map(|(target, cell)| Some((cell.median?, target.name.as_str())))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
}
