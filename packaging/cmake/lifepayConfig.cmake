# find_package(lifepay) defines two targets:
#
#     lifepay::lifepay    the shared library
#     lifepay::static     the static library, if it is installed
#
# This file is in PREFIX/share/lifepay/cmake of an installation, or in the folder cmake of a downloaded
# archive.

get_filename_component(_lifepay_prefix "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
if(NOT EXISTS "${_lifepay_prefix}/include/lifepay.h")
    get_filename_component(_lifepay_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
endif()

set(_lifepay_folders "${_lifepay_prefix}/lib" "${_lifepay_prefix}/lib64")
if(CMAKE_LIBRARY_ARCHITECTURE)
    list(APPEND _lifepay_folders "${_lifepay_prefix}/lib/${CMAKE_LIBRARY_ARCHITECTURE}")
endif()
if(WIN32 AND CMAKE_SIZEOF_VOID_P EQUAL 8)
    list(APPEND _lifepay_folders "${_lifepay_prefix}/x64")
elseif(WIN32)
    list(APPEND _lifepay_folders "${_lifepay_prefix}/x86")
endif()

function(_lifepay_find variable)
    find_file(_lifepay_found NAMES ${ARGN} PATHS ${_lifepay_folders} NO_DEFAULT_PATH)
    set(${variable} "${_lifepay_found}" PARENT_SCOPE)
    unset(_lifepay_found CACHE)
endfunction()

if(WIN32)
    _lifepay_find(_lifepay_shared lifepay.dll)
    if(MSVC)
        _lifepay_find(_lifepay_import lifepay.lib)
    else()
        _lifepay_find(_lifepay_import liblifepay.dll.a)
    endif()
else()
    _lifepay_find(_lifepay_shared liblifepay.so liblifepay.so.0)
    _lifepay_find(_lifepay_static liblifepay.a)
endif()

if(_lifepay_shared AND NOT TARGET lifepay::lifepay)
    add_library(lifepay::lifepay SHARED IMPORTED)
    set_target_properties(lifepay::lifepay PROPERTIES
        IMPORTED_LOCATION "${_lifepay_shared}"
        INTERFACE_INCLUDE_DIRECTORIES "${_lifepay_prefix}/include")
    if(WIN32)
        set_property(TARGET lifepay::lifepay PROPERTY IMPORTED_IMPLIB "${_lifepay_import}")
    else()
        set_property(TARGET lifepay::lifepay PROPERTY IMPORTED_SONAME liblifepay.so.0)
    endif()
endif()

if(_lifepay_static AND NOT TARGET lifepay::static)
    add_library(lifepay::static STATIC IMPORTED)
    set_target_properties(lifepay::static PROPERTIES
        IMPORTED_LOCATION "${_lifepay_static}"
        INTERFACE_INCLUDE_DIRECTORIES "${_lifepay_prefix}/include"
        INTERFACE_LINK_LIBRARIES "gcc_s;util;rt;pthread;m;dl")
endif()

if(NOT TARGET lifepay::lifepay AND NOT TARGET lifepay::static)
    set(lifepay_FOUND FALSE)
    set(lifepay_NOT_FOUND_MESSAGE "no library in ${_lifepay_folders}")
endif()
