//! An outbox with little to write.

use std::ffi::{c_char, c_void, CStr, CString};
use std::path::{Path, PathBuf};

use lifepay::ffi::{lp_entry, lp_outbox};

use super::call::{with_result, Answer, Call};
use super::library::library;
use super::tools;

/// An open outbox, closed when dropped.
pub struct Outbox {
    pub handle: *mut lp_outbox,
}

// SAFETY: the handle is a number to the library, which every thread may use.
unsafe impl Send for Outbox {}
// SAFETY: as above.
unsafe impl Sync for Outbox {}

/// An `lp_entry`, copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub code: i32,
    pub outcome: i32,
    pub flags: u32,
    pub attempts: u32,
    pub http_status: i32,
    pub submitted_at: i64,
    pub next_attempt_at: i64,
    pub answered_at: i64,
    pub expires_at: i64,
    pub ext_id: String,
    pub login: String,
    pub target_serial: Option<String>,
    pub base_url: String,
    pub uuid: Option<String>,
    pub message: String,
}

/// A path at which there is no outbox yet; `name` is unique among the tests.
pub fn fresh(name: &str) -> PathBuf {
    let folder = tools::scratch("outbox").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join("shifts.db")
}

impl Outbox {
    pub fn open(path: &Path, call: Call) -> Outbox {
        match Outbox::try_open(path, call) {
            Ok(outbox) => outbox,
            Err(answer) => panic!("{answer:?}"),
        }
    }

    pub fn try_open(path: &Path, call: Call) -> Result<Outbox, Answer> {
        let path = CString::new(path.to_str().expect("a path in UTF-8")).unwrap();
        let mut handle = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the call.
        let (returned, answer) = with_result(|result| unsafe {
            (library().outbox_open)(path.as_ptr(), &call.config, &mut handle, result)
        });
        assert_eq!(returned, answer.code, "{answer:?}");
        assert_eq!(handle.is_null(), answer.code != 0, "{answer:?}");
        if handle.is_null() {
            Err(answer)
        } else {
            Ok(Outbox { handle })
        }
    }

    /// What the call returned, and the result.
    pub fn submit(&self, call: Call) -> (i32, Answer) {
        // SAFETY: the config is initialised, and everything in it outlives the call.
        with_result(|result| unsafe {
            (library().outbox_submit)(self.handle, &call.config, result)
        })
    }

    pub fn wait(&self, ext_id: &str, timeout_ms: u32) -> Answer {
        let ext_id = CString::new(ext_id).unwrap();
        // SAFETY: all pointers are valid for the call.
        let (returned, answer) = with_result(|result| unsafe {
            (library().outbox_wait)(self.handle, ext_id.as_ptr(), timeout_ms, result)
        });
        assert_eq!(returned, answer.code, "{answer:?}");
        answer
    }

    pub fn cancel(&self, ext_id: &str) -> (i32, Answer) {
        let ext_id = CString::new(ext_id).unwrap();
        // SAFETY: all pointers are valid for the call.
        with_result(|result| unsafe {
            (library().outbox_cancel)(self.handle, ext_id.as_ptr(), result)
        })
    }

    pub fn retry_now(&self, ext_id: Option<&str>) -> i32 {
        let ext_id = ext_id.map(|ext_id| CString::new(ext_id).unwrap());
        let pointer = ext_id
            .as_ref()
            .map_or(std::ptr::null(), |ext_id| ext_id.as_ptr());
        // SAFETY: NULL or a string.
        unsafe { (library().outbox_retry_now)(self.handle, pointer) }
    }

    pub fn forget(&self, ext_id: &str) -> i32 {
        let ext_id = CString::new(ext_id).unwrap();
        // SAFETY: a string.
        unsafe { (library().outbox_forget)(self.handle, ext_id.as_ptr()) }
    }

    pub fn pending(&self) -> u32 {
        let mut count = u32::MAX;
        // SAFETY: the count is valid for the call.
        assert_eq!(
            unsafe { (library().outbox_pending)(self.handle, &mut count) },
            0
        );
        count
    }

    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let user_data = std::ptr::from_mut(&mut entries).cast();
        // SAFETY: the callback is called during the call only.
        let code = unsafe { (library().outbox_each)(self.handle, Some(collect), user_data) };
        assert_eq!(code, 0);
        entries
    }

    pub fn entry(&self, ext_id: &str) -> Option<Entry> {
        self.entries()
            .into_iter()
            .find(|entry| entry.ext_id == ext_id)
    }

    pub fn close(&self) -> i32 {
        // SAFETY: any handle may be closed at any time.
        unsafe { (library().outbox_close)(self.handle) }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.close();
    }
}

unsafe extern "C" fn collect(entry: *const lp_entry, entries: *mut c_void) -> i32 {
    // SAFETY: as the header says; the entries are those of the call under way.
    unsafe {
        let entry = &*entry;
        let text = |pointer: *const c_char| {
            (!pointer.is_null()).then(|| CStr::from_ptr(pointer).to_str().unwrap().to_owned())
        };
        (*entries.cast::<Vec<Entry>>()).push(Entry {
            code: entry.code,
            outcome: entry.outcome,
            flags: entry.flags,
            attempts: entry.attempts,
            http_status: entry.http_status,
            submitted_at: entry.submitted_at,
            next_attempt_at: entry.next_attempt_at,
            answered_at: entry.answered_at,
            expires_at: entry.expires_at,
            ext_id: text(entry.ext_id).unwrap(),
            login: text(entry.login).unwrap(),
            target_serial: text(entry.target_serial),
            base_url: text(entry.base_url).unwrap(),
            uuid: text(entry.uuid),
            message: text(entry.message).unwrap(),
        });
    }
    0
}
