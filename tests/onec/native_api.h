/*
 * 1C's side of the Native API, as its documentation describes it: the interfaces that 1C provides
 * to a component, and those that a component implements. Written for this host, for tests only.
 */
#ifndef TESTS_ONEC_NATIVE_API_H
#define TESTS_ONEC_NATIVE_API_H

#include <cstddef>
#include <cstdint>
#include <ctime>

/*
 * On Windows 1C is compiled with Microsoft's compiler. Its vtables have one entry for a virtual
 * destructor: a function with a parameter that says whether to free the object as well. GCC's have
 * two entries. On Windows an ordinary virtual function is therefore declared instead, which GCC
 * calls as Microsoft's compiler calls a destructor.
 */
#if defined(_WIN32)
#define ONEC_CALL __stdcall
#define ONEC_DESTRUCTOR(type) \
    virtual void *destroy(unsigned) { return this; }
#else
#define ONEC_CALL
#define ONEC_DESTRUCTOR(type) virtual ~type() = default;
#endif

namespace onec {

/* The types of a variant. */
enum : uint16_t {
    EMPTY = 0, NULL_VALUE = 1, I2 = 2, I4 = 3, R4 = 4, R8 = 5, DATE = 6, TM = 7, PSTR = 8,
    INTERFACE = 9, ERROR = 10, BOOL = 11, VARIANT = 12, I1 = 13, UI1 = 14, UI2 = 15, UI4 = 16,
    I8 = 17, UI8 = 18, INT = 19, UINT = 20, HRESULT = 21, PWSTR = 22, BLOB = 23, CLSID = 24,
    ARRAY_OF = 0x2000, BY_REFERENCE = 0x4000, ILLEGAL = 0xffff
};

struct Text {
    char16_t *pointer;
    uint32_t length;
};

struct Variant {
    union {
        int8_t i1;
        int16_t i2;
        int32_t i4;
        int64_t i8;
        uint8_t ui1;
        uint16_t ui2;
        uint32_t ui4;
        uint64_t ui8;
        float r4;
        double r8;
        bool boolean;
        void *pointer;
        Text text;
        struct std::tm tm;
    };
    uint32_t elements;
    uint16_t type;
};

#if defined(__linux__) && defined(__x86_64__)
static_assert(sizeof(Variant) == 64 && offsetof(Variant, type) == 60, "tVariant");
#elif defined(_WIN32)
static_assert(sizeof(Variant) == 48 && offsetof(Variant, type) == 44, "tVariant");
#endif

struct MemoryManager {
    ONEC_DESTRUCTOR(MemoryManager)
    virtual bool ONEC_CALL AllocMemory(void **block, unsigned long bytes) = 0;
    virtual void ONEC_CALL FreeMemory(void **block) = 0;
};

struct AddInDefBase {
    ONEC_DESTRUCTOR(AddInDefBase)
    virtual bool ONEC_CALL AddError(unsigned short code, const char16_t *source,
                                    const char16_t *description, long scode) = 0;
    virtual bool ONEC_CALL Read(char16_t *name, Variant *value, long *code, char16_t **text) = 0;
    virtual bool ONEC_CALL Write(char16_t *name, Variant *value) = 0;
    virtual bool ONEC_CALL RegisterProfileAs(char16_t *name) = 0;
    virtual bool ONEC_CALL SetEventBufferDepth(long depth) = 0;
    virtual long ONEC_CALL GetEventBufferDepth() = 0;
    virtual bool ONEC_CALL ExternalEvent(char16_t *source, char16_t *message, char16_t *data) = 0;
    virtual void ONEC_CALL CleanEventBuffer() = 0;
    virtual bool ONEC_CALL SetStatusLine(char16_t *text) = 0;
    virtual void ONEC_CALL ResetStatusLine() = 0;
};

struct InitDone {
    ONEC_DESTRUCTOR(InitDone)
    virtual bool ONEC_CALL Init(void *connection) = 0;
    virtual bool ONEC_CALL setMemManager(void *memory) = 0;
    virtual long ONEC_CALL GetInfo() = 0;
    virtual void ONEC_CALL Done() = 0;
};

struct LanguageExtender {
    ONEC_DESTRUCTOR(LanguageExtender)
    virtual bool ONEC_CALL RegisterExtensionAs(char16_t **name) = 0;
    virtual long ONEC_CALL GetNProps() = 0;
    virtual long ONEC_CALL FindProp(const char16_t *name) = 0;
    virtual const char16_t *ONEC_CALL GetPropName(long number, long alias) = 0;
    virtual bool ONEC_CALL GetPropVal(long number, Variant *value) = 0;
    virtual bool ONEC_CALL SetPropVal(long number, Variant *value) = 0;
    virtual bool ONEC_CALL IsPropReadable(long number) = 0;
    virtual bool ONEC_CALL IsPropWritable(long number) = 0;
    virtual long ONEC_CALL GetNMethods() = 0;
    virtual long ONEC_CALL FindMethod(const char16_t *name) = 0;
    virtual const char16_t *ONEC_CALL GetMethodName(long number, long alias) = 0;
    virtual long ONEC_CALL GetNParams(long number) = 0;
    virtual bool ONEC_CALL GetParamDefValue(long number, long parameter, Variant *value) = 0;
    virtual bool ONEC_CALL HasRetVal(long number) = 0;
    virtual bool ONEC_CALL CallAsProc(long number, Variant *parameters, long count) = 0;
    virtual bool ONEC_CALL CallAsFunc(long number, Variant *answer, Variant *parameters,
                                      long count) = 0;
};

struct Locale {
    ONEC_DESTRUCTOR(Locale)
    virtual void ONEC_CALL SetLocale(const char16_t *locale) = 0;
};

struct UserLanguage {
    ONEC_DESTRUCTOR(UserLanguage)
    virtual void ONEC_CALL SetUserInterfaceLanguageCode(const char16_t *language) = 0;
};

struct Component : InitDone, LanguageExtender, Locale, UserLanguage {
#if defined(_WIN32)
    using InitDone::destroy;
#endif
};

/* Deletes an object through a pointer to it or to one of its bases. */
template <typename Object> void erase(Object *object)
{
#if defined(_WIN32)
    object->destroy(1);
#else
    delete object;
#endif
}

/* Calls an object's destructor without freeing its memory. */
inline void end(Component *object)
{
#if defined(_WIN32)
    object->destroy(0);
#else
    object->~Component();
#endif
}

} // namespace onec

#endif
