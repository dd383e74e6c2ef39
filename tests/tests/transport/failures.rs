//! What fails on the way: each arm of the client's mapping with a real failure behind it.
