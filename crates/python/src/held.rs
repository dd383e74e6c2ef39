//! Python's objects that Rust asks for credentials, as Python's garbage collector has to see them.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

type Slot = Arc<Mutex<Option<Py<PyAny>>>>;

/// What an object of ours was given as its source of credentials, and keeps alive: it alone, and it shows that to the collector.
/// An object whose own method is the source of its role can be collected.
///
/// INVARIANT: whoever shares the Rust part of such an object holds the object itself.
#[derive(Default)]
pub(crate) struct Held(Slot);

/// The same for the Rust part, which may outlive it for a moment: an early refresh has a thread of its own.
pub(crate) struct Handle(Slot);

impl Held {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> Self {
        Self(Arc::new(Mutex::new(Some(object.clone().unbind()))))
    }

    pub(crate) fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.0))
    }

    /// For `__traverse__`.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // What somebody is taking out now is not garbage.
        let Ok(object) = self.0.try_lock() else { return Ok(()) };
        visit.call(&*object)
    }

    /// For `__clear__`.
    pub(crate) fn clear(&self) {
        let object = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // What that runs may ask for credentials: the lock is released.
        drop(object);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Handle {
    /// The object; none if what held it is gone.
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let object = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        object.as_ref().map(|object| object.bind(py).clone())
    }
}
