//! The limits, held against a model that is too simple to be wrong.
