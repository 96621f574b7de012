//! Data sets held as bytes in memory, and where they come from.
