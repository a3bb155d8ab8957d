//! The call as a state machine without sockets.
