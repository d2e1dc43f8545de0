//! What an author of a Bucatini component needs.
