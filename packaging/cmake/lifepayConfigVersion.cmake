# The version is the header's. The interface only grows: a program works with every later version of the
# same major version.

get_filename_component(_lifepay_prefix "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
if(NOT EXISTS "${_lifepay_prefix}/include/lifepay.h")
    get_filename_component(_lifepay_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
endif()

set(_lifepay_version)
foreach(_lifepay_part MAJOR MINOR PATCH)
    file(STRINGS "${_lifepay_prefix}/include/lifepay.h" _lifepay_line
        REGEX "^#define LP_VERSION_${_lifepay_part} [0-9]+$")
    string(REGEX MATCH "[0-9]+$" _lifepay_number "${_lifepay_line}")
    list(APPEND _lifepay_version ${_lifepay_number})
endforeach()
list(GET _lifepay_version 0 _lifepay_major)
string(REPLACE ";" "." PACKAGE_VERSION "${_lifepay_version}")

if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
endif()
if(NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION
    AND PACKAGE_FIND_VERSION_MAJOR STREQUAL _lifepay_major)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
