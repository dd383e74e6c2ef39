//! Functions behind a front: the event that each gets, and what becomes of its answer.
