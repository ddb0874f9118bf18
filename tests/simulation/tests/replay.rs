//! A seed leads to the same calls and answers each time, in worlds of every kind: so a failure can be looked at.

use moorage_simulation::{How, run};

#[test]
fn a_seed_leads_to_the_same_world_again() {
    for seed in 0..5 {
        let (one, two) = (run(seed, How::default()), run(seed, How::default()));
        assert!(one.steps > 100, "seed {seed} has a world with {} steps", one.steps);
        assert_eq!((one.steps, one.hash), (two.steps, two.hash), "seed {seed}");
        assert_eq!((one.wrong, two.wrong), (None, None), "seed {seed}");
    }
}

#[test]
fn another_seed_leads_to_another_world() {
    assert_ne!(run(1, How::default()).hash, run(6, How::default()).hash);
}
