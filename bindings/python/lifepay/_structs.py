"""The structs of lifepay.h. A test compares their sizes and offsets with the header."""

import ctypes as c

ProgressFunction = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p)
EntryFunction = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p)
LogFunction = c.CFUNCTYPE(None, c.c_int32, c.c_char_p, c.c_void_p)


class lp_config(c.Structure):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("test", c.c_int32),
        ("apikey", c.c_char_p),
        ("login", c.c_char_p),
        ("cashier_name", c.c_char_p),
        ("cashier_inn", c.c_char_p),
        ("target_serial", c.c_char_p),
        ("ext_id", c.c_char_p),
        ("callback_url", c.c_char_p),
        ("callback_data", c.c_char_p),
        ("callback_data_json", c.c_char_p),
        ("base_url", c.c_char_p),
        ("proxy", c.c_char_p),
        ("ca_file", c.c_char_p),
        ("trust", c.c_int32),
        ("connect_timeout_ms", c.c_uint32),
        ("timeout_ms", c.c_uint32),
        ("retry_for_ms", c.c_uint32),
        ("retry_delays_ms", c.POINTER(c.c_uint32)),
        ("on_progress", ProgressFunction),
        ("user_data", c.c_void_p),
        ("retry_delay_count", c.c_uint32),
        ("expires_after_ms", c.c_uint32),
        ("concurrency", c.c_uint32),
        ("keep_days", c.c_uint32),
        ("path", c.c_char_p),
        ("document_json", c.c_char_p),
    ]


class lp_field_error(c.Structure):
    _fields_ = [
        ("field", c.c_char_p),
        ("message", c.c_char_p),
    ]


class lp_result(c.Structure):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("code", c.c_int32),
        ("outcome", c.c_int32),
        ("http_status", c.c_int32),
        ("attempts", c.c_uint32),
        ("retry_after_ms", c.c_uint32),
        ("owner", c.c_uint64),
        ("uuid", c.c_char_p),
        ("ext_id", c.c_char_p),
        ("message", c.c_char_p),
        ("detail", c.c_char_p),
        ("reply", c.c_char_p),
        ("errors", c.POINTER(lp_field_error)),
        ("error_count", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class lp_progress(c.Structure):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("phase", c.c_int32),
        ("attempts", c.c_uint32),
        ("code", c.c_int32),
        ("http_status", c.c_int32),
        ("elapsed_ms", c.c_uint32),
        ("next_attempt_ms", c.c_uint32),
    ]


class lp_entry(c.Structure):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("code", c.c_int32),
        ("outcome", c.c_int32),
        ("flags", c.c_uint32),
        ("attempts", c.c_uint32),
        ("http_status", c.c_int32),
        ("submitted_at", c.c_int64),
        ("next_attempt_at", c.c_int64),
        ("answered_at", c.c_int64),
        ("expires_at", c.c_int64),
        ("ext_id", c.c_char_p),
        ("login", c.c_char_p),
        ("target_serial", c.c_char_p),
        ("base_url", c.c_char_p),
        ("uuid", c.c_char_p),
        ("message", c.c_char_p),
        ("path", c.c_char_p),
    ]


_Outbox = c.c_void_p
_Config = c.POINTER(lp_config)
_Result = c.POINTER(lp_result)

FUNCTIONS = {
    "lp_config_init": (c.c_int32, [_Config, c.c_uint32]),
    "lp_result_init": (c.c_int32, [_Result, c.c_uint32]),
    "lp_result_free": (None, [_Result]),
    "lp_open_shift": (c.c_int32, [_Config, _Result]),
    "lp_send": (c.c_int32, [_Config, _Result]),
    "lp_open_shift_json": (c.c_int32, [c.c_char_p, c.POINTER(c.c_void_p)]),
    "lp_send_json": (c.c_int32, [c.c_char_p, c.POINTER(c.c_void_p)]),
    "lp_string_free": (None, [c.c_void_p]),
    "lp_ext_id_new": (c.c_int32, [c.c_char_p, c.c_uint32]),
    "lp_outbox_open": (c.c_int32, [c.c_char_p, _Config, c.POINTER(_Outbox), _Result]),
    "lp_outbox_submit": (c.c_int32, [_Outbox, _Config, _Result]),
    "lp_outbox_wait": (c.c_int32, [_Outbox, c.c_char_p, c.c_uint32, _Result]),
    "lp_outbox_each": (c.c_int32, [_Outbox, EntryFunction, c.c_void_p]),
    "lp_outbox_retry_now": (c.c_int32, [_Outbox, c.c_char_p]),
    "lp_outbox_cancel": (c.c_int32, [_Outbox, c.c_char_p, _Result]),
    "lp_outbox_forget": (c.c_int32, [_Outbox, c.c_char_p]),
    "lp_outbox_pending": (c.c_int32, [_Outbox, c.POINTER(c.c_uint32)]),
    "lp_outbox_close": (c.c_int32, [_Outbox]),
    "lp_code_name": (c.c_char_p, [c.c_int32]),
    "lp_code_text": (c.c_char_p, [c.c_int32]),
    "lp_set_log": (c.c_int32, [LogFunction, c.c_void_p, c.c_int32]),
    "lp_log_to_file": (c.c_int32, [c.c_char_p, c.c_int32, c.c_uint32]),
    "lp_version": (c.c_char_p, []),
    "lp_version_number": (c.c_uint32, []),
}
"""The functions of lifepay.h, with their result and parameter types."""
