"""The package's declarations match include/lifepay.h."""

import ctypes
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import needs

import lifepay
from lifepay import _constants, _structs

INCLUDE = Path(__file__).resolve().parents[3] / "include"
STRUCTS = {
    name: value
    for name, value in vars(_structs).items()
    if isinstance(value, type) and issubclass(value, ctypes.Structure)
}
CALLBACKS = {
    "lp_progress_fn": _structs.ProgressFunction,
    "lp_entry_fn": _structs.EntryFunction,
    "lp_log_fn": _structs.LogFunction,
}
ENUMS: Dict[str, Any] = {
    "LP_OUTCOME_": lifepay.Outcome,
    "LP_TRUST_": lifepay.Trust,
    "LP_PHASE_": lifepay.Phase,
    "LP_ENTRY_": lifepay.EntryFlags,
    "LP_LOG_": lifepay.LogLevel,
}
TYPES: Dict[str, Any] = {
    "void": None,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "void*": ctypes.c_void_p,
    "char*": ctypes.c_char_p,
    "char**": ctypes.POINTER(ctypes.c_void_p),
    "uint32_t*": ctypes.POINTER(ctypes.c_uint32),
    "lp_outbox*": ctypes.c_void_p,
    "lp_outbox**": ctypes.POINTER(ctypes.c_void_p),
    **{f"{name}*": ctypes.POINTER(struct) for name, struct in STRUCTS.items()},
    **CALLBACKS,
}
# In callbacks the structs are declared as addresses, which entry_of and progress_of read. So is the
# parameter of lp_string_free, because the pointer must reach it unchanged.
ADDRESSES = {"lp_progress*": ctypes.c_void_p, "lp_entry*": ctypes.c_void_p}


@pytest.fixture(scope="module")
def header() -> str:
    file = INCLUDE / "lifepay.h"
    needs(file.exists(), str(file))
    text = re.sub(r"/\*.*?\*/|LP_API |LP_CALL (?=lp_)", "", file.read_text("utf-8"), flags=re.S)
    assert "*/" not in text
    return text


def type_of(declared: str) -> str:
    """Returns a C type without const, struct and the name of a parameter."""
    words = re.sub(r"\b(const|struct)\b", " ", declared).replace("*", " * ").split()
    names = [word for word in words if word != "*"]
    return names[0] + "*" * words.count("*")


def parameters(declared: str) -> List[str]:
    return [] if declared.strip() == "void" else [type_of(one) for one in declared.split(",")]


def test_constants_have_the_headers_numbers(header: str) -> None:
    defined = re.findall(r"^#define (LP_\w+) \(?(-?\w+)\)?$", header, flags=re.M)
    numbers = {name: int(value.rstrip("u"), 0) for name, value in defined if name != "LP_CALL"}
    assert len(numbers) > 40
    seen: Dict[Any, List[str]] = {enum: [] for enum in ENUMS.values()}
    codes = []
    for name, number in numbers.items():
        prefix = next((prefix for prefix in ENUMS if name.startswith(prefix)), None)
        if prefix:
            enum = ENUMS[prefix]
            assert enum[name[len(prefix) :]].value == number, name
            seen[enum].append(name[len(prefix) :])
        elif name == "LP_FOREVER":
            assert lifepay.FOREVER == number
        elif not name.startswith("LP_VERSION_"):
            assert getattr(lifepay, name) == number
            assert name in lifepay.__all__
            codes.append(name)
    # Python has no codes that the header lacks.
    assert sorted(codes) == sorted(name for name in vars(_constants) if name.startswith("LP_"))
    for enum, names in seen.items():
        more = {"NONE"} if enum is lifepay.Outcome else set()
        assert set(enum.__members__) == set(names) | more
    version = [numbers[f"LP_VERSION_{part}"] for part in ("MAJOR", "MINOR", "PATCH")]
    assert lifepay.__version__ == ".".join(map(str, version))


def test_functions_have_the_headers_types(header: str) -> None:
    declared = re.findall(r"^([\w ]+?[ *]+)(lp_\w+)\(([^()]*)\);", header, flags=re.M)
    assert len(declared) == len(re.findall(r"\blp_\w+\([^()]*\);", header))
    # The outbox's functions with JSON are for languages without structs.
    declared = [one for one in declared if not re.match(r"lp_outbox_\w+_json", one[1])]
    assert sorted(name for _, name, _ in declared) == sorted(_structs.FUNCTIONS)
    for result, name, arguments in declared:
        returns, takes = _structs.FUNCTIONS[name]
        assert returns is TYPES[type_of(result)], name
        if name == "lp_string_free":
            assert takes == [ctypes.c_void_p]
        else:
            assert takes == [TYPES[one] for one in parameters(arguments)], name


def test_callbacks_have_the_headers_types(header: str) -> None:
    declared = re.findall(r"typedef ([\w ]+?)\s*\(LP_CALL \*(\w+)\)\(([^()]*)\);", header)
    assert sorted(name for _, name, _ in declared) == sorted(CALLBACKS)
    for result, name, arguments in declared:
        callback: Any = CALLBACKS[name]
        assert callback._restype_ is TYPES[type_of(result)], name
        types = [ADDRESSES.get(one, TYPES[one]) for one in parameters(arguments)]
        assert list(callback._argtypes_) == types, name


def test_structs_have_the_headers_layout(header: str, tmp_path: Path) -> None:
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    needs(compiler is not None, "a C compiler")
    declared = dict(re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", header, flags=re.S))
    assert sorted(declared) == sorted(STRUCTS)
    source = ["#include <stddef.h>", "#include <stdio.h>", '#include "lifepay.h"']
    source.append("#define SIZE(field) (unsigned)sizeof(((STRUCT *)0)->field)")
    source.append("int main(void) {")
    expected = []
    for name, body in declared.items():
        fields = re.findall(r"([\w *]+?[ *])(\w+);", body)
        assert len(fields) == body.count(";")
        struct = STRUCTS[name]
        assert [field for _, field in fields] == [field[0] for field in struct._fields_], name
        source.append(f"#define STRUCT {name}")
        source.append(f'printf("{name} %u\\n", (unsigned)sizeof({name}));')
        expected.append(f"{name} {ctypes.sizeof(struct)}")
        for kind, field in fields:
            assert dict((one[0], one[1]) for one in struct._fields_)[field] is TYPES[type_of(kind)]
            where = f"(unsigned)offsetof({name}, {field}), SIZE({field})"
            source.append(f'printf("{name}.{field} %u %u\\n", {where});')
            place = getattr(struct, field)
            expected.append(f"{name}.{field} {place.offset} {place.size}")
        source.append("#undef STRUCT")
    source.append("return 0; }")
    file = tmp_path / "layout.c"
    file.write_text("\n".join(source) + "\n")
    program = str(tmp_path / "layout")
    command = [str(compiler), "-I", str(INCLUDE), str(file), "-o", program]
    subprocess.run(command, check=True)
    printed = subprocess.run([program], stdout=subprocess.PIPE, check=True, encoding="ascii").stdout
    assert printed.splitlines() == expected


def test_every_field_can_be_given_or_read() -> None:
    """The Python names are those of the header."""
    import dataclasses
    import inspect

    private = {"struct_size", "owner", "reserved", "user_data", "error_count", "retry_delay_count"}

    def fields(struct: Any) -> "set[str]":
        return {field[0] for field in struct._fields_} - private

    def parameters_of(function: Any) -> "set[str]":
        return set(inspect.signature(function).parameters)

    def attributes(kind: Any) -> "set[str]":
        return {field.name for field in dataclasses.fields(kind)}

    given = (
        parameters_of(lifepay.open_shift)
        | parameters_of(lifepay.send)
        | parameters_of(lifepay.Outbox)
        | parameters_of(lifepay.Outbox.submit)
    )
    # Named differently, because Python also accepts a dict.
    given = {"document_json" if name == "document" else name for name in given}
    assert given - {"self"} == fields(_structs.lp_config)
    assert attributes(lifepay.Result) == fields(_structs.lp_result)
    assert attributes(lifepay.Progress) == fields(_structs.lp_progress)
    assert attributes(lifepay.Entry) == fields(_structs.lp_entry)
    assert attributes(lifepay.FieldError) == fields(_structs.lp_field_error)
    for field in fields(_structs.lp_result) - {"uuid"}:
        assert isinstance(getattr(lifepay.LifePayError, field), property), field
