// SPDX-License-Identifier: Apache-2.0
//! Failures: a status, the reason in the user's words, and a code where programs ask for one.

use std::fmt;

use crate::abi;

/// What a failure is; the host decides by it whether to try again (`heddle/abi.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(abi::heddle_status);

impl Status {
    pub const CANCELLED: Status = Status(abi::HEDDLE_CANCELLED);
    pub const INVALID: Status = Status(abi::HEDDLE_INVALID);
    pub const NOT_FOUND: Status = Status(abi::HEDDLE_NOT_FOUND);
    pub const CONFLICT: Status = Status(abi::HEDDLE_CONFLICT);
    pub const DENIED: Status = Status(abi::HEDDLE_DENIED);
    pub const UNAVAILABLE: Status = Status(abi::HEDDLE_UNAVAILABLE);
    pub const EXHAUSTED: Status = Status(abi::HEDDLE_EXHAUSTED);
    pub const DEADLINE: Status = Status(abi::HEDDLE_DEADLINE);
    pub const UNSUPPORTED: Status = Status(abi::HEDDLE_UNSUPPORTED);
    pub const INTERNAL: Status = Status(abi::HEDDLE_INTERNAL);
    pub const IO: Status = Status(abi::HEDDLE_IO);

    pub(crate) fn of_failure(status: abi::heddle_status) -> Status {
        if status < 0 {
            Status(status)
        } else {
            Status::INTERNAL
        }
    }
    pub(crate) fn number(self) -> abi::heddle_status {
        self.0
    }
}

#[derive(Clone, Debug)]
pub struct Error {
    pub(crate) status: Status,
    pub(crate) why: String,
    pub(crate) code: Option<&'static str>,
}

impl Error {
    pub fn new(status: Status, why: impl Into<String>) -> Error {
        Error { status, why: why.into(), code: None }
    }
    /// The input or the params are wrong, and will be wrong next time.
    pub fn invalid(why: impl Into<String>) -> Error {
        Error::new(Status::INVALID, why)
    }
    /// Names the failure for programs: the report and the dead letter say it.
    pub fn code(mut self, code: &'static str) -> Error {
        self.code = Some(code);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.why)
    }
}

impl std::error::Error for Error {}
