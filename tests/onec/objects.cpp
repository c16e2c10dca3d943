/* Objects and their members: their use by 1C itself, and mistakes in programs. */
#include "cases.h"

#include <cmath>
#include <set>

/* ---- The five exports ---- */

void exports(const Context &context)
{
    const Library &library = context.library;
    CHECK(std::u16string(library.class_names()) == u"LifePay");
    CHECK(library.attach_type() == 3);
    CHECK(library.set_capabilities(3) == 1);

    onec::Component *object = nullptr;
    for (const char16_t *name : {u"", u"Life", u"LifePay2", u"lifepay|lifepay"}) {
        CHECK(library.class_object(name, &object) == 0);
        CHECK(object == nullptr);
    }
    CHECK(library.class_object(nullptr, &object) == 0);
    CHECK(library.class_object(u"LifePay", nullptr) == 0);
    CHECK(library.destroy_object(nullptr) == -1);
    CHECK(library.destroy_object(&object) == -1);

    CHECK(library.class_object(u"lifepay", &object) != 0);
    onec::Component *first = object;
    CHECK(library.class_object(u"LifePay", &object) == 0);
    CHECK_MSG(object == first, "a pointer that was not null was overwritten");
    CHECK(library.destroy_object(&object) == 0);
    CHECK(object == nullptr);
    CHECK_MSG(library.destroy_object(&first) == -1, "an object was destroyed twice");
}

/* ---- Creating and destroying objects ---- */

void life(const Context &context)
{
    const Library &library = context.library;
    /* Destroyed by delete, through the object and through each of its bases. */
    for (int base = 0; base < 5; base++) {
        Memory memory;
        Platform platform;
        onec::Component *object = nullptr;
        CHECK(library.class_object(u"LifePay", &object) != 0);
        CHECK(object->Init(&platform) && object->setMemManager(&memory));
        object->Done();
        onec::Component *erased = object;
        switch (base) {
        case 0: onec::erase(object); break;
        case 1: onec::erase(static_cast<onec::InitDone *>(object)); break;
        case 2: onec::erase(static_cast<onec::LanguageExtender *>(object)); break;
        case 3: onec::erase(static_cast<onec::Locale *>(object)); break;
        default: onec::erase(static_cast<onec::UserLanguage *>(object)); break;
        }
        CHECK(library.destroy_object(&erased) == -1);
    }
    /* Destroyed by its destructor alone. */
    onec::Component *object = nullptr;
    CHECK(library.class_object(u"LifePay", &object) != 0);
    onec::end(object);
    CHECK(library.destroy_object(&object) == -1);
    /* Without Init, without a memory manager, and with Done called twice. */
    object = nullptr;
    CHECK(library.class_object(u"LifePay", &object) != 0);
    CHECK(!object->Init(nullptr) && !object->setMemManager(nullptr));
    char16_t *name = nullptr;
    CHECK(!object->RegisterExtensionAs(&name) && name == nullptr);
    CHECK(object->GetPropName(0, 0) == nullptr && object->GetMethodName(0, 0) == nullptr);
    CHECK(object->FindProp(u"Логин") >= 0);
    onec::Variant value;
    CHECK(!object->GetPropVal(object->FindProp(u"Версия"), &value) && value.type == onec::EMPTY);
    CHECK(object->GetPropVal(object->FindProp(u"КодОшибки"), &value) && value.type == onec::I4);
    value.type = onec::BLOB;
    CHECK(!object->SetPropVal(object->FindProp(u"Логин"), &value));
    object->Done();
    object->Done();
    CHECK(library.destroy_object(&object) == 0);
    /* Several at once, each with its own settings. */
    Object one(library), other(library);
    CHECK(one.set(u"Логин", u"1") && other.set(u"Логин", u"2"));
    CHECK(one.get(u"Логин") == Value(u"1") && other.get(u"Логин") == Value(u"2"));
    /* Initialised again after Done. */
    one.component->Done();
    CHECK(one.component->Init(&one.platform) && one.component->setMemManager(&one.memory));
    CHECK(one.get(u"Логин") == Value(u"1"));
}

/* ---- Names ---- */

void members(const Context &context)
{
    Object till(context.library);
    onec::Component *component = till.component;
    std::set<std::u16string> seen;
    auto check_names = [&](long number, bool property) {
        for (long alias : {0, 1}) {
            std::u16string name = till.memory.take(property ? component->GetPropName(number, alias)
                                                            : component->GetMethodName(number, alias));
            CHECK_MSG(seen.insert(in_case(name, Case::Lower)).second, to_utf8(name));
            bool ascii = true;
            for (char16_t letter : name)
                ascii = ascii && letter < 0x80;
            CHECK_MSG(ascii == (alias == 0), to_utf8(name));
            for (Case wanted : {Case::Upper, Case::Lower, Case::Mixed}) {
                std::u16string spelt = in_case(name, wanted);
                long found = property ? component->FindProp(spelt.c_str())
                                      : component->FindMethod(spelt.c_str());
                CHECK_MSG(found == number, to_utf8(spelt));
            }
        }
    };
    for (long number = 0; number < component->GetNProps(); number++) {
        check_names(number, true);
        CHECK(component->IsPropReadable(number) || component->IsPropWritable(number));
    }
    for (long number = 0; number < component->GetNMethods(); number++) {
        check_names(number, false);
        CHECK(component->HasRetVal(number));
        CHECK(component->GetNParams(number) >= 0 && component->GetNParams(number) <= 3);
    }
    CHECK(component->GetNProps() > 30 && component->GetNMethods() == 18);

    for (long number : {-1L, component->GetNProps(), 1000000L}) {
        for (long alias : {-1, 0, 1, 2})
            CHECK(component->GetPropName(number, alias) == nullptr);
        CHECK(!component->IsPropReadable(number) && !component->IsPropWritable(number));
        onec::Variant value;
        value.type = onec::EMPTY;
        CHECK(!component->GetPropVal(number, &value) && !component->SetPropVal(number, &value));
    }
    for (long number : {-1L, component->GetNMethods(), 1000000L}) {
        CHECK(component->GetMethodName(number, 0) == nullptr);
        CHECK(component->GetNParams(number) == 0 && !component->HasRetVal(number));
        onec::Variant value;
        CHECK(!component->GetParamDefValue(number, 0, &value) && value.type == onec::EMPTY);
        CHECK(!component->CallAsProc(number, nullptr, 0));
        CHECK(!component->CallAsFunc(number, &value, nullptr, 0));
    }
    CHECK(component->GetPropName(0, 2) == nullptr && component->GetPropName(0, -1) == nullptr);
    const char16_t broken[] = {0xd800, 0};
    for (const char16_t *name : {u"", u"Логин2", u"ОткрытьСмену", static_cast<const char16_t *>(broken)})
        CHECK(component->FindProp(name) == -1);
    CHECK(component->FindProp(nullptr) == -1 && component->FindMethod(nullptr) == -1);
    CHECK(component->FindMethod(u"Логин") == -1);
    CHECK(component->GetNParams(till.method(u"ОткрытьСмену")) == 0);
    CHECK(component->GetNParams(till.method(u"ОткрытьСменуJSON")) == 1);
    CHECK(component->GetNParams(till.method(u"ОтправитьДокумент")) == 2);
    CHECK(component->GetNParams(till.method(u"ОтправитьДокументJSON")) == 1);
    CHECK(component->GetNParams(till.method(u"СостояниеВОчереди")) == 2);
    CHECK(till.platform.errors.empty());
}

/* Prints the names, for the Rust test that compares them with the documentation. */
void names(const Context &context)
{
    Object till(context.library);
    onec::Component *component = till.component;
    for (long number = 0; number < component->GetNProps(); number++) {
        std::string english = to_utf8(till.memory.take(component->GetPropName(number, 0)));
        std::string russian = to_utf8(till.memory.take(component->GetPropName(number, 1)));
        const char *access = !component->IsPropWritable(number)   ? "r"
                             : !component->IsPropReadable(number) ? "w"
                                                                  : "rw";
        std::printf("property %s %s %s\n", russian.c_str(), english.c_str(), access);
    }
    for (long number = 0; number < component->GetNMethods(); number++) {
        std::string english = to_utf8(till.memory.take(component->GetMethodName(number, 0)));
        std::string russian = to_utf8(till.memory.take(component->GetMethodName(number, 1)));
        std::printf("method %s %s %ld\n", russian.c_str(), english.c_str(),
                    component->GetNParams(number));
    }
}

/* ---- Properties ---- */

void properties(const Context &context)
{
    Object till(context.library);
    const char16_t *const texts[] = {
        u"Логин", u"Кассир", u"ИННКассира", u"СерийныйНомер", u"ВнешнийИдентификатор",
        u"АдресОбратногоВызова", u"ДанныеОбратногоВызова", u"ДанныеОбратногоВызоваJSON",
        u"Путь", u"ДокументJSON", u"БазовыйАдрес", u"Прокси", u"ФайлСертификатов", u"ПаузыМс",
    };
    for (const char16_t *name : texts) {
        CHECK(till.get(name) == Value(u""));
        CHECK(till.set(name, u"Ёж 𝄞 1"));
        CHECK(till.get(name) == Value(u"Ёж 𝄞 1"));
        CHECK(till.set(name, u"") && till.get(name) == Value(u""));
        CHECK(till.set(name, u"2") && till.set(name, Value()) && till.get(name) == Value(u""));
    }
    const char16_t *const numbers[] = {
        u"Доверие", u"ТаймаутСоединенияМс", u"ТаймаутМс", u"ПовторятьВТечениеМс",
        u"СрокЗапросаМс", u"ОдновременныхЗапросов", u"ХранитьДней",
    };
    for (const char16_t *name : numbers) {
        CHECK(till.get(name) == Value(0));
        CHECK(till.set(name, 5) && till.get(name) == Value(5));
        CHECK(till.set(name, 4294967295.0) && till.get(name) == Value(4294967295.0));
        CHECK(till.set(name, 7.0) && till.get(name) == Value(7));
        CHECK(till.set(name, Value()) && till.get(name) == Value(0));
    }
    CHECK(till.get(u"TestMode") == Value(false));
    CHECK(till.set(u"TestMode", true) && till.get(u"ТестовыйРежим") == Value(true));
    CHECK(till.set(u"TestMode", 0) && till.get(u"ТестовыйРежим") == Value(false));
    CHECK(till.set(u"TestMode", 1.0) && till.get(u"ТестовыйРежим") == Value(true));
    CHECK(till.set(u"TestMode", Value()) && till.get(u"ТестовыйРежим") == Value(false));
    CHECK(till.set(u"ПаузыМс", 250) && till.get(u"RetryDelaysMs") == Value(u"250"));
    CHECK(till.platform.errors.empty());

    /* The results before the first call. */
    CHECK(till.get(u"КодОшибки") == Value(0) && till.get(u"Исход") == Value(0));
    CHECK(till.get(u"ОписаниеОшибки") == Value(u"") && till.get(u"UUID") == Value(u""));
    CHECK(till.get(u"ОшибкиПолей") == Value(u"[]"));
    CHECK(till.get(u"Версия").text.size() >= 5);

    /* The API key can be set but not read. */
    long key = till.property(u"ApiKey");
    CHECK(till.set(u"КлючАПИ", APIKEY));
    CHECK(!till.component->IsPropReadable(key) && till.component->IsPropWritable(key));
    onec::Variant value;
    value.type = onec::EMPTY;
    CHECK(!till.component->GetPropVal(key, &value) && value.type == onec::EMPTY);
    CHECK(till.platform.errors.size() == 1);

    /* Results can be read but not set. */
    CHECK(!till.set(u"КодОшибки", 5) && till.platform.errors.size() == 2);
    CHECK(has(till.last_error(), u"КодОшибки"));
    CHECK(!till.component->IsPropWritable(till.property(u"ErrorCode")));

    /* Without memory, numbers can be read but texts cannot. */
    till.memory.refuses = true;
    std::memset(&value, 0xa5, sizeof value);
    CHECK(!till.component->GetPropVal(till.property(u"Версия"), &value));
    CHECK(value.type == onec::EMPTY && has(till.last_error(), u"памят"));
    CHECK(till.get(u"ТаймаутМс") == Value(0));
    CHECK(till.component->GetPropName(0, 0) == nullptr);
    till.memory.refuses = false;
}

/* ---- Mistakes in programs ---- */

/* Checks that the last error reported to 1C, and the properties, are this programming error. */
static void expect_error(Object &till, std::size_t count, const std::u16string &part)
{
    CHECK_MSG(till.platform.errors.size() == count, to_utf8(till.last_error()));
    const Error &error = till.platform.errors.back();
    CHECK(error.scode == 1 && error.code == 1006 && error.source == u"LifePay");
    CHECK_MSG(has(error.description, part), to_utf8(error.description));
    CHECK(till.get(u"КодОшибки") == Value(-2));
    CHECK_MSG(has(till.get(u"ОписаниеОшибки").text, part),
               to_utf8(till.get(u"ОписаниеОшибки").text));
}

void mistakes(const Context &context)
{
    Object till(context.library);
    configure(till, context);
    std::size_t errors = 0;
    auto wrong_property = [&](const char16_t *name, const Value &value, const char16_t *part) {
        Value before = till.get(name);
        CHECK_MSG(!till.set(name, value), value.to_string());
        expect_error(till, ++errors, part);
        CHECK(has(till.last_error(), name));
        CHECK_MSG(till.get(name) == before, "a wrong value changed the property");
    };
    wrong_property(u"Логин", 79031234567.0, u"ожидается строка");
    wrong_property(u"ИННКассира", 5, u"ожидается строка");
    wrong_property(u"Логин", true, u"ожидается строка");
    wrong_property(u"ТаймаутМс", u"1000", u"ожидается число");
    wrong_property(u"ТаймаутМс", true, u"ожидается число");
    wrong_property(u"ТаймаутМс", 0.5, u"целое число");
    wrong_property(u"ТаймаутМс", std::nan(""), u"целое число");
    wrong_property(u"ТестовыйРежим", u"Да", u"ожидается булево");
    wrong_property(u"ПаузыМс", true, u"ожидается строка");
    wrong_property(u"Логин", std::u16string(1, 0xd800), u"UTF-16");

    auto wrong_call = [&](const char16_t *name, std::vector<Value> arguments, const char16_t *part) {
        for (bool as_function : {true, false}) {
            Value answer;
            CHECK(!(as_function ? till.try_call(name, arguments, answer) : till.run(name, arguments)));
            CHECK(answer == Value());
            expect_error(till, ++errors, part);
            CHECK(has(till.last_error(), name));
        }
    };
    wrong_call(u"ОткрытьСмену", {1}, u"передано параметров: 1");
    wrong_call(u"ОткрытьСменуJSON", {}, u"не передан параметр 1");
    wrong_call(u"ОткрытьСменуJSON", {u"{}", 2}, u"передано параметров: 2");
    wrong_call(u"ОткрытьСменуJSON", {5}, u"параметр 1: ожидается строка");
    wrong_call(u"ОтправитьДокумент", {}, u"не передан параметр 1");
    wrong_call(u"ОтправитьДокумент", {5}, u"параметр 1: ожидается строка");
    wrong_call(u"ОтправитьДокумент", {u"/a", 5}, u"параметр 2: ожидается строка");
    wrong_call(u"ОтправитьДокумент", {u"/a", u"{}", u""}, u"передано параметров: 3");
    wrong_call(u"ОтправитьДокументJSON", {}, u"не передан параметр 1");
    wrong_property(u"Путь", 5, u"ожидается строка");
    wrong_property(u"ДокументJSON", true, u"ожидается строка");
    wrong_call(u"ОткрытьОчередь", {true}, u"параметр 1: ожидается строка");
    wrong_call(u"СостояниеВОчереди", {u"1", u"2"}, u"параметр 2: ожидается число");
    wrong_call(u"ТекстКода", {u"-4"}, u"параметр 1: ожидается число");
    wrong_call(u"ЖурналВФайл", {u"a", 1, 1, 1}, u"передано параметров: 4");
    wrong_call(u"ПолучитьОшибку", {}, u"не передан параметр 1");

    /* Absurd counts and missing variants. */
    long json = till.method(u"ОткрытьСменуJSON");
    onec::Variant variant;
    variant.type = onec::EMPTY;
    CHECK(!till.component->CallAsProc(json, &variant, -1));
    expect_error(till, ++errors, u"передано параметров");
    CHECK(!till.component->CallAsProc(json, nullptr, 1));
    expect_error(till, ++errors, u"не передан параметр 1");
    CHECK(!till.component->SetPropVal(till.property(u"Логин"), nullptr));
    CHECK(!till.component->GetPropVal(till.property(u"Логин"), nullptr));
    CHECK(!till.component->GetParamDefValue(json, 0, nullptr));
    CHECK(!till.component->RegisterExtensionAs(nullptr));

    /* The content of a variant of an unknown type is not read. */
    long login = till.property(u"Логин");
    for (int flags : {0, 0x1000, int{onec::ARRAY_OF}, int{onec::BY_REFERENCE}, 0x8000, 0xffe0})
        for (int number = 0; number < 0x20; number++) {
            int type = flags | number;
            if (type == onec::EMPTY || type == onec::NULL_VALUE || type == onec::PWSTR)
                continue;
            std::memset(&variant, 0xa5, sizeof variant);
            variant.type = static_cast<uint16_t>(type);
            CHECK_MSG(!till.component->SetPropVal(login, &variant), std::to_string(type));
            errors++;
        }
    CHECK(till.platform.errors.size() == errors);
    CHECK(till.get(u"Логин") == Value(u"79031234567"));
    variant.type = onec::PWSTR;
    variant.text.length = 0xffffffff;
    CHECK(!till.component->SetPropVal(login, &variant));
    expect_error(till, ++errors, u"длинная");
}

/* Numbers are accepted in every numeric type of 1C. */
void numbers(const Context &context)
{
    Object till(context.library);
    long timeout = till.property(u"ТаймаутМс");
    auto set = [&](uint16_t type, auto put) {
        onec::Variant variant;
        std::memset(&variant, 0xa5, sizeof variant);
        variant.type = type;
        put(variant);
        CHECK(till.component->SetPropVal(timeout, &variant));
        CHECK_MSG(till.get(u"ТаймаутМс") == Value(99), std::to_string(type));
        CHECK(till.set(u"ТаймаутМс", 0));
    };
    set(onec::I1, [](onec::Variant &v) { v.i1 = 99; });
    set(onec::UI1, [](onec::Variant &v) { v.ui1 = 99; });
    set(onec::I2, [](onec::Variant &v) { v.i2 = 99; });
    set(onec::UI2, [](onec::Variant &v) { v.ui2 = 99; });
    set(onec::I4, [](onec::Variant &v) { v.i4 = 99; });
    set(onec::UI4, [](onec::Variant &v) { v.ui4 = 99; });
    set(onec::I8, [](onec::Variant &v) { v.i8 = 99; });
    set(onec::UI8, [](onec::Variant &v) { v.ui8 = 99; });
    set(onec::INT, [](onec::Variant &v) { v.i4 = 99; });
    set(onec::UINT, [](onec::Variant &v) { v.ui4 = 99; });
    set(onec::R4, [](onec::Variant &v) { v.r4 = 99; });
    set(onec::R8, [](onec::Variant &v) { v.r8 = 99; });
    /* Every form of "not given". */
    long login = till.property(u"Логин");
    for (uint16_t type : {uint16_t{onec::EMPTY}, uint16_t{onec::NULL_VALUE}, uint16_t{onec::PWSTR}}) {
        CHECK(till.set(u"Логин", u"1") && till.set(u"ТаймаутМс", 1));
        onec::Variant variant;
        std::memset(&variant, 0xa5, sizeof variant);
        variant.type = type;
        variant.text.pointer = nullptr;
        CHECK(till.component->SetPropVal(login, &variant));
        CHECK(till.get(u"Логин") == Value(u""));
        CHECK(till.component->SetPropVal(timeout, &variant) == (type != onec::PWSTR));
    }
    CHECK(till.set(u"ТестовыйРежим", true));
    onec::Variant odd;
    std::memset(&odd, 0x7f, sizeof odd);
    odd.type = onec::BOOL;
    CHECK(till.component->SetPropVal(till.property(u"ТестовыйРежим"), &odd));
    CHECK(till.get(u"ТестовыйРежим") == Value(true));
}
