//! What each process has of its own.

use std::process;

use once_cell::race::OnceBox;

/// A value with locks in it, of which a forked child has its own: its parent's may be held by a thread that the child does not have,
/// and nobody would ever release them.
///
/// No lock is on the way there: a fork could leave that one locked, too.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    process: u32,
    value: T,
    /// That of a child, as the child sees it.
    child: OnceBox<Self>,
}

impl<T> PerProcess<T> {
    /// This process has that.
    pub(crate) fn new(value: T) -> Self {
        Self { process: process::id(), value, child: OnceBox::new() }
    }

    /// The latest there is, which may still be the parent's: its locks may be tried and not waited for. The system is asked for
    /// nothing.
    pub(crate) fn latest(&self) -> &T {
        &self.last().value
    }

    fn last(&self) -> &Self {
        let mut last = self;
        while let Some(next) = last.child.get() {
            last = next;
        }
        last
    }

    /// This process's. A child's is made of its parent's, whose locks it may try and not wait for. The parent's stays where it is:
    /// those who have borrowed it may be in the midst of it.
    pub(crate) fn get(&self, child: impl Fn(&T) -> T) -> &T {
        let last = self.last();
        if last.process == process::id() {
            return &last.value;
        }
        &last.child.get_or_init(|| Box::new(Self::new(child(&last.value)))).value
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::PerProcess;

    /// What a value looks like in a child of the process that made it.
    fn of_another_process<T>(value: T) -> PerProcess<T> {
        PerProcess { process: 0, ..PerProcess::new(value) }
    }

    #[test]
    fn a_child_has_its_own_of_what_its_parent_had() {
        let ours = PerProcess::new(Mutex::new(1));
        assert!(ours.get(|_| Mutex::new(2)).try_lock().is_ok_and(|number| *number == 1));

        let parents = of_another_process(Mutex::new(1));
        let held_forever = parents.value.lock();
        assert!(held_forever.is_ok());
        let child = |parents: &Mutex<i32>| Mutex::new(parents.try_lock().map_or(2, |number| *number));
        assert!(parents.get(child).try_lock().is_ok_and(|mut number| std::mem::replace(&mut *number, 3) == 2));
        assert!(parents.get(child).try_lock().is_ok_and(|number| *number == 3));
        assert!(parents.latest().try_lock().is_ok_and(|number| *number == 3));
    }
}
