//! What the collector would do now, if it worked; nothing is written.

use std::collections::BTreeSet;

use moorage_ports::{PortError, Reviewed};

use crate::explain::{Explanation, explain};
use crate::steps::Steps;
use crate::waiting::FeedReader;

impl Steps {
    /// Tells `say` what there is to say of each thing that is due now, whether it waits in the queue or a change asks
    /// for it that nobody has read yet; `None` for what is not there any more. Answers how many things there were.
    ///
    /// What goes makes other things due, later: those are not told.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn would_do(
        &self,
        reader: FeedReader,
        say: &mut (dyn FnMut(&Reviewed, Option<&Explanation>) + Send),
    ) -> Result<usize, PortError> {
        let now = self.now();
        let waiting = self.waiting(reader).await?;
        let due: BTreeSet<Reviewed> =
            waiting.into_iter().filter(|review| review.due <= now).map(|review| review.of).collect();
        for of in &due {
            say(of, explain(&*self.table, of, now, &self.times).await?.as_ref());
        }
        Ok(due.len())
    }
}
