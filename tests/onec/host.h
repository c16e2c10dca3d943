/*
 * Uses a component as 1C does: loads it, creates objects in 1C's order, finds members by name,
 * calls them, and frees the memory that it receives. Fails on everything that 1C could not handle.
 */
#ifndef TESTS_ONEC_HOST_H
#define TESTS_ONEC_HOST_H

#if defined(_WIN32)
/* windows.h is not included, because it defines too many names. */
extern "C" __declspec(dllimport) void *__stdcall LoadLibraryA(const char *path);
extern "C" __declspec(dllimport) void *__stdcall GetProcAddress(void *library, const char *name);
#else
#include <dlfcn.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "native_api.h"

#define CHECK(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition, ""))
#define CHECK_MSG(condition, message) \
    ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition, message))

[[noreturn]] inline void fail(const char *file, int line, const char *what,
                              const std::string &message)
{
    std::fprintf(stderr, "%s:%d: %s %s\n", file, line, what, message.c_str());
    std::exit(1);
}

/* ---- Texts ---- */

inline std::string to_utf8(const std::u16string &text)
{
    std::string bytes;
    for (std::size_t index = 0; index < text.size(); index++) {
        uint32_t point = text[index];
        if (point >= 0xd800 && point < 0xdc00 && index + 1 < text.size())
            point = 0x10000 + ((point - 0xd800) << 10) + (text[++index] - 0xdc00u);
        if (point < 0x80) {
            bytes += static_cast<char>(point);
        } else if (point < 0x800) {
            bytes += static_cast<char>(0xc0 | point >> 6);
            bytes += static_cast<char>(0x80 | (point & 0x3f));
        } else if (point < 0x10000) {
            bytes += static_cast<char>(0xe0 | point >> 12);
            bytes += static_cast<char>(0x80 | (point >> 6 & 0x3f));
            bytes += static_cast<char>(0x80 | (point & 0x3f));
        } else {
            bytes += static_cast<char>(0xf0 | point >> 18);
            bytes += static_cast<char>(0x80 | (point >> 12 & 0x3f));
            bytes += static_cast<char>(0x80 | (point >> 6 & 0x3f));
            bytes += static_cast<char>(0x80 | (point & 0x3f));
        }
    }
    return bytes;
}

/* Converts a command-line argument, which must be ASCII. */
inline std::u16string from_ascii(const char *text)
{
    return std::u16string(text, text + std::strlen(text));
}

enum class Case { Upper, Lower, Mixed };

/* Changes the case of Latin and Cyrillic letters, as a programmer may write a name. */
inline std::u16string in_case(std::u16string name, Case wanted)
{
    for (std::size_t index = 0; index < name.size(); index++) {
        char16_t &letter = name[index];
        bool upper = wanted == Case::Upper || (wanted == Case::Mixed && index % 2 == 0);
        if (upper && ((letter >= u'a' && letter <= u'z') || (letter >= u'а' && letter <= u'я')))
            letter = static_cast<char16_t>(letter - 0x20);
        if (!upper && ((letter >= u'A' && letter <= u'Z') || (letter >= u'А' && letter <= u'Я')))
            letter = static_cast<char16_t>(letter + 0x20);
    }
    return name;
}

/* ---- 1C's interfaces for components ---- */

/* Keeps track of its blocks, to detect leaks and blocks of another allocator. */
class Memory : public onec::MemoryManager {
public:
    bool refuses = false;

    ~Memory() { CHECK(blocks.empty()); }

    bool ONEC_CALL AllocMemory(void **block, unsigned long bytes) override
    {
        CHECK(block != nullptr && bytes > 0);
        *block = nullptr;
        if (refuses)
            return false;
        *block = std::malloc(bytes);
        blocks[*block] = bytes;
        return true;
    }

    void ONEC_CALL FreeMemory(void **block) override
    {
        CHECK(block != nullptr && blocks.erase(*block) == 1);
        std::free(*block);
        *block = nullptr;
    }

    /* Copies a NUL-terminated text that the component returned, and frees it. */
    std::u16string take(const char16_t *text)
    {
        CHECK(text != nullptr && blocks.count(const_cast<char16_t *>(text)) == 1);
        std::u16string copy(text);
        CHECK(blocks.at(const_cast<char16_t *>(text)) == (copy.size() + 1) * sizeof(char16_t));
        void *block = const_cast<char16_t *>(text);
        FreeMemory(&block);
        return copy;
    }

    std::size_t living() const { return blocks.size(); }

private:
    std::map<void *, unsigned long> blocks;
};

/* The arguments of a call to AddError. */
struct Error {
    unsigned short code;
    std::u16string source, description;
    long scode;
};

class Platform : public onec::AddInDefBase {
public:
    std::vector<Error> errors;

    bool ONEC_CALL AddError(unsigned short code, const char16_t *source,
                            const char16_t *description, long scode) override
    {
        errors.push_back(Error{code, source, description, scode});
        return true;
    }

    /* A component must not call these if it is to work on 1C's server, which has no events. */
    bool ONEC_CALL Read(char16_t *, onec::Variant *, long *, char16_t **) override { unwanted(); }
    bool ONEC_CALL Write(char16_t *, onec::Variant *) override { unwanted(); }
    bool ONEC_CALL RegisterProfileAs(char16_t *) override { unwanted(); }
    bool ONEC_CALL SetEventBufferDepth(long) override { unwanted(); }
    long ONEC_CALL GetEventBufferDepth() override { unwanted(); }
    bool ONEC_CALL ExternalEvent(char16_t *, char16_t *, char16_t *) override { unwanted(); }
    void ONEC_CALL CleanEventBuffer() override { unwanted(); }
    bool ONEC_CALL SetStatusLine(char16_t *) override { unwanted(); }
    void ONEC_CALL ResetStatusLine() override { unwanted(); }

private:
    [[noreturn]] static void unwanted() { fail(__FILE__, __LINE__, "unwanted call", ""); }
};

/* ---- Values ---- */

/* A value in 1C. During a call its text is in memory of the host's memory manager. */
struct Value {
    uint16_t type = onec::EMPTY;
    double number = 0;
    bool boolean = false;
    std::u16string text;

    Value() = default;
    Value(bool value) : type(onec::BOOL), boolean(value) {}
    Value(int value) : type(onec::I4), number(value) {}
    Value(double value) : type(onec::R8), number(value) {}
    Value(const char16_t *value) : type(onec::PWSTR), text(value) {}
    Value(std::u16string value) : type(onec::PWSTR), text(std::move(value)) {}

    bool operator==(const Value &other) const
    {
        return type == other.type && number == other.number && boolean == other.boolean &&
               text == other.text;
    }

    std::string to_string() const
    {
        return "type " + std::to_string(type) + " number " + std::to_string(number) + " bool " +
               (boolean ? "1" : "0") + " text " + to_utf8(text);
    }
};

inline void to_variant(Memory &memory, const Value &value, onec::Variant &variant)
{
    /* In 1C's variants, bytes that the type does not use are undefined. */
    std::memset(&variant, 0xa5, sizeof variant);
    variant.type = value.type;
    switch (value.type) {
    case onec::I4: variant.i4 = static_cast<int32_t>(value.number); break;
    case onec::R8: variant.r8 = value.number; break;
    case onec::BOOL: variant.boolean = value.boolean; break;
    case onec::PWSTR: {
        /* Without a NUL: the length determines where the text ends. */
        std::size_t bytes = value.text.size() * sizeof(char16_t);
        variant.text.pointer = nullptr;
        variant.text.length = static_cast<uint32_t>(value.text.size());
        if (bytes > 0) {
            void *block;
            CHECK(memory.AllocMemory(&block, bytes));
            std::memcpy(block, value.text.data(), bytes);
            variant.text.pointer = static_cast<char16_t *>(block);
        }
        break;
    }
    default: break;
    }
}

/* Converts a variant from the component or the host, and frees its text. */
inline Value from_variant(Memory &memory, onec::Variant &variant, bool ends_in_nul = true)
{
    Value value;
    value.type = variant.type;
    switch (variant.type) {
    case onec::EMPTY: break;
    case onec::I4: value.number = variant.i4; break;
    case onec::R8: value.number = variant.r8; break;
    case onec::BOOL: {
        unsigned char byte;
        std::memcpy(&byte, &variant, 1);
        CHECK(byte <= 1);
        value.boolean = byte == 1;
        break;
    }
    case onec::PWSTR: {
        if (variant.text.pointer == nullptr) {
            CHECK(!ends_in_nul && variant.text.length == 0);
            break;
        }
        value.text.assign(variant.text.pointer, variant.text.length);
        CHECK(!ends_in_nul || variant.text.pointer[variant.text.length] == 0);
        void *block = variant.text.pointer;
        memory.FreeMemory(&block);
        break;
    }
    default: fail(__FILE__, __LINE__, "unexpected variant type", value.to_string());
    }
    return value;
}

/* ---- The library and its objects ---- */

struct Library {
    const char16_t *(*class_names)();
    long (*class_object)(const char16_t *, onec::Component **);
    long (*destroy_object)(onec::Component **);
    long (*set_capabilities)(long);
    long (*attach_type)();

    explicit Library(const char *path)
    {
#if defined(_WIN32)
        void *file = LoadLibraryA(path);
        CHECK_MSG(file != nullptr, path);
#else
        void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        CHECK_MSG(file != nullptr, file == nullptr ? dlerror() : "");
#endif
        find(file, "GetClassNames", class_names);
        find(file, "GetClassObject", class_object);
        find(file, "DestroyObject", destroy_object);
        find(file, "SetPlatformCapabilities", set_capabilities);
        find(file, "GetAttachType", attach_type);
    }

private:
    template <typename Function> static void find(void *file, const char *name, Function &function)
    {
#if defined(_WIN32)
        void *symbol = GetProcAddress(file, name);
#else
        void *symbol = dlsym(file, name);
#endif
        CHECK_MSG(symbol != nullptr, name);
        std::memcpy(&function, &symbol, sizeof function);
    }
};

/* An object as in 1C's language: initialised in 1C's order, destroyed by DestroyObject. */
class Object {
public:
    Memory memory;
    Platform platform;
    onec::Component *component = nullptr;

    explicit Object(const Library &from) : library(from)
    {
        CHECK(library.class_object(u"LifePay", &component) != 0 && component != nullptr);
        CHECK(component->Init(&platform));
        CHECK(component->GetInfo() == 2000);
        CHECK(component->setMemManager(&memory));
        char16_t *name = nullptr;
        CHECK(component->RegisterExtensionAs(&name));
        CHECK(memory.take(name) == u"LifePay");
        component->SetLocale(u"ru_RU");
        component->SetUserInterfaceLanguageCode(u"ru");
    }

    ~Object()
    {
        if (component == nullptr)
            return;
        component->Done();
        CHECK(library.destroy_object(&component) == 0 && component == nullptr);
    }

    long property(const std::u16string &name)
    {
        long number = component->FindProp(name.c_str());
        CHECK_MSG(number >= 0 && number < component->GetNProps(), to_utf8(name));
        return number;
    }

    long method(const std::u16string &name)
    {
        long number = component->FindMethod(name.c_str());
        CHECK_MSG(number >= 0 && number < component->GetNMethods(), to_utf8(name));
        return number;
    }

    Value get(const std::u16string &name)
    {
        onec::Variant variant;
        std::memset(&variant, 0xa5, sizeof variant);
        CHECK_MSG(component->GetPropVal(property(name), &variant), to_utf8(name));
        return from_variant(memory, variant);
    }

    /* Returns whether the value was accepted. */
    bool set(const std::u16string &name, const Value &value)
    {
        onec::Variant variant;
        to_variant(memory, value, variant);
        bool accepted = component->SetPropVal(property(name), &variant);
        if (value.type == onec::PWSTR)
            from_variant(memory, variant, false);
        return accepted;
    }

    /* Calls a method as a function. The method may change the arguments. */
    bool try_call(const std::u16string &name, std::vector<Value> &arguments, Value &answer)
    {
        onec::Variant variant;
        std::memset(&variant, 0, sizeof variant);
        bool done = invoke(name, arguments, &variant);
        answer = from_variant(memory, variant);
        return done;
    }

    Value call(const std::u16string &name, std::vector<Value> arguments = {})
    {
        Value answer;
        CHECK_MSG(try_call(name, arguments, answer), to_utf8(name + u": " + last_error()));
        return answer;
    }

    /* Calls a method as a procedure. */
    bool run(const std::u16string &name, std::vector<Value> arguments = {})
    {
        return invoke(name, arguments, nullptr);
    }

    std::u16string last_error() const
    {
        return platform.errors.empty() ? u"" : platform.errors.back().description;
    }

private:
    const Library &library;

    bool invoke(const std::u16string &name, std::vector<Value> &arguments, onec::Variant *answer)
    {
        long number = method(name);
        long count = static_cast<long>(arguments.size());
        std::vector<onec::Variant> variants(arguments.size());
        for (std::size_t index = 0; index < arguments.size(); index++)
            to_variant(memory, arguments[index], variants[index]);
        onec::Variant *first = variants.empty() ? nullptr : variants.data();
        CHECK(component->HasRetVal(number));
        bool done = answer != nullptr ? component->CallAsFunc(number, answer, first, count)
                                      : component->CallAsProc(number, first, count);
        for (std::size_t index = 0; index < arguments.size(); index++)
            if (variants[index].type == onec::PWSTR)
                arguments[index] = from_variant(memory, variants[index], false);
        return done;
    }
};

#endif
