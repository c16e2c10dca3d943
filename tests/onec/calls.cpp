/* The component's methods: shifts, other documents, codes, the log, the outbox. */
#include "cases.h"

#include <chrono>
#include <fstream>
#include <thread>

/* ---- Opening a shift ---- */

void shift(const Context &context)
{
    Object till(context.library);
    configure(till, context);
    CHECK(till.set(u"Кассир", u"Иванова Ёлка"));
    CHECK(till.set(u"ИННКассира", u"123456789047"));
    CHECK(till.set(u"СерийныйНомер", u"00106304012797"));
    CHECK(till.set(u"ВнешнийИдентификатор", u"смена-1"));
    CHECK(till.set(u"АдресОбратногоВызова", u"https://example.org/lifepay"));
    CHECK(till.set(u"ДанныеОбратногоВызова", u"касса 3"));
    CHECK(till.call(u"ОткрытьСмену") == Value(true));
    Value uuid = till.get(u"UUID");
    CHECK(uuid.text.size() == 36 && till.get(u"УникальныйИдентификатор") == uuid);
    CHECK(till.get(u"КодОшибки") == Value(0) && till.get(u"Исход") == Value(3));
    CHECK(till.get(u"КодHTTP") == Value(200) && till.get(u"Попыток") == Value(1));
    CHECK(till.get(u"ИдентификаторЗапроса") == Value(u"смена-1"));
    CHECK(has(till.get(u"Ответ").text, uuid.text));
    CHECK(has(till.get(u"ОписаниеОшибки").text, u"LifePay"));
    /* Called as a procedure by its English name: LifePay returns the same document. */
    CHECK(till.run(u"OPENSHIFT"));
    CHECK(till.get(u"UUID") == uuid);

    /* callback_data as JSON. Both forms at once are an argument error, not an exception. */
    CHECK(till.set(u"CallbackDataJSON", u"{\"касса\": 3}"));
    CHECK(till.call(u"OpenShift") == Value(false));
    CHECK(till.get(u"КодОшибки") == Value(-2) && till.get(u"Исход") == Value(1));
    CHECK(has(till.get(u"ОшибкиПолей").text, u"\"field\":\"callback_data"));
    CHECK(till.set(u"CallbackData", Value()) && till.set(u"ExtId", u"смена-2"));
    CHECK(till.call(u"OpenShift") == Value(true));
    CHECK(till.get(u"UUID").text.size() == 36 && !(till.get(u"UUID") == uuid));

    /* Test mode has no uuid. Without an ext_id each call generates its own, which can be read. */
    CHECK(till.set(u"TestMode", true) && till.set(u"ExtId", u""));
    CHECK(till.call(u"OpenShift") == Value(true) && till.get(u"UUID") == Value(u""));
    Value own = till.get(u"RequestExtId");
    CHECK(own.text.size() == 36 && till.get(u"ВнешнийИдентификатор") == own);
    CHECK(till.call(u"OpenShift") == Value(true));
    CHECK(till.get(u"RequestExtId").text.size() == 36 && !(till.get(u"RequestExtId") == own));
    CHECK(till.get(u"ExtId") == till.get(u"RequestExtId"));
    /* If an ext_id is set, that one is used. */
    CHECK(till.set(u"ExtId", own) && till.get(u"ExtId") == own);
    CHECK(till.call(u"OpenShift") == Value(true) && till.get(u"RequestExtId") == own);
    CHECK(till.set(u"ExtId", Value()));
    CHECK(till.set(u"TestMode", false));

    /* LifePay rejects the shift: the method returns Ложь, and the properties have the reason. */
    CHECK(till.set(u"Логин", u"70000006080"));
    CHECK(till.call(u"ОткрытьСмену") == Value(false));
    CHECK(till.get(u"КодОшибки") == Value(6080) && till.get(u"Исход") == Value(3));
    CHECK(has(till.get(u"ОписаниеОшибки").text, u"фискализация запрещена"));
    CHECK(till.run(u"ОткрытьСмену"));
    std::vector<Value> text = {u"что было в переменной"};
    Value code;
    CHECK(till.try_call(u"ПолучитьОшибку", text, code));
    CHECK(code == Value(6080) && text[0] == till.get(u"ErrorDescription"));
    text = {Value()};
    CHECK(till.try_call(u"GetLastError", text, code) && text[0] == till.get(u"ErrorDescription"));
    text = {5};
    CHECK(till.try_call(u"GetLastError", text, code) && text[0] == till.get(u"ErrorDescription"));
    CHECK(till.run(u"GetLastError", {u"как процедура"}));
    CHECK(till.set(u"Логин", u"70000000400"));
    CHECK(till.call(u"ОткрытьСмену") == Value(false));
    CHECK(till.get(u"КодОшибки") == Value(400));
    CHECK(has(till.get(u"ОшибкиПолей").text, u"\"field\":\""));
    CHECK(till.set(u"Логин", u"79031234567"));

    /* A printer that fails once: reports when to retry, or retries if it was asked to. */
    CHECK(till.set(u"СерийныйНомер", u"0503") && till.set(u"ExtId", u"смена-3"));
    CHECK(till.set(u"ПаузыМс", u"100, 100"));
    CHECK(till.call(u"ОткрытьСмену") == Value(false));
    CHECK(till.get(u"КодОшибки") == Value(-6) && till.get(u"КодHTTP") == Value(503));
    CHECK(till.get(u"ПовторитьЧерезМс") == Value(100));
    CHECK(till.set(u"ExtId", u"смена-4") && till.set(u"ПовторятьВТечениеМс", 20000));
    CHECK(till.call(u"ОткрытьСмену") == Value(true) && till.get(u"Попыток") == Value(2));
    CHECK(till.set(u"ПовторятьВТечениеМс", Value()));

    /* No network. */
    CHECK(till.set(u"БазовыйАдрес", u"http://127.0.0.1:1"));
    CHECK(till.call(u"ОткрытьСмену") == Value(false));
    CHECK(till.get(u"КодОшибки") == Value(-3) && till.get(u"Исход") == Value(1));
    CHECK(till.get(u"КодHTTP") == Value(0) && !till.get(u"Подробности").text.empty());

    /* All argument errors are reported at once, and nothing is sent. */
    CHECK(till.set(u"БазовыйАдрес", context.base_url));
    CHECK(till.set(u"Логин", u"") && till.set(u"ТаймаутМс", -1) && till.set(u"Доверие", 9));
    CHECK(till.set(u"ПаузыМс", u"скоро") && till.set(u"ТестовыйРежим", 7));
    CHECK(till.call(u"ОткрытьСмену") == Value(false));
    Value faults = till.get(u"ОшибкиПолей");
    for (const char16_t *field : {u"login", u"timeout_ms", u"trust", u"retry_delays_ms", u"test"})
        CHECK_MSG(has(faults.text, std::u16string(u"\"") + field + u"\""), to_utf8(faults.text));
    CHECK(till.get(u"КодОшибки") == Value(-2));
    CHECK_MSG(till.platform.errors.empty(), to_utf8(till.last_error()));
}

/* ---- Other documents ---- */

/* Polls until there is an outcome, as a program with ПодключитьОбработчикОжидания does. */
static Value outcome(Object &till, const char16_t *ext_id);

/* The Rust test that runs this checks the requests that the server received. */
void document(const Context &context)
{
    const std::u16string z_report = u"/cloud-print/create-z-report";
    Object till(context.library);
    configure(till, context);
    auto refuse = [&](const Value &path, const Value &members, const char16_t *field) {
        CHECK(till.call(u"ОтправитьДокумент", {path, members}) == Value(false));
        CHECK(till.get(u"КодОшибки") == Value(-2) && till.get(u"Исход") == Value(1));
        Value errors = till.get(u"ОшибкиПолей");
        std::u16string expected = std::u16string(u"[{\"field\":\"") + field + u"\"";
        CHECK_MSG(errors.text.find(expected) == 0, to_utf8(errors.text));
    };

    /* The parameters select the document, the properties the rest. No ext_id is generated. */
    CHECK(till.set(u"Кассир", u"Иванова") && till.set(u"СерийныйНомер", u"00106304012797"));
    CHECK(till.call(u"ОтправитьДокумент", {z_report}) == Value(true));
    Value uuid = till.get(u"UUID");
    CHECK(uuid.text.size() == 36 && has(till.get(u"Ответ").text, uuid.text));
    CHECK(till.get(u"КодОшибки") == Value(0) && till.get(u"Исход") == Value(3));
    CHECK(till.get(u"ИдентификаторЗапроса") == Value(u""));
    CHECK(till.get(u"ВнешнийИдентификатор") == Value(u""));

    /* Called as a procedure by its English name. The properties of the document are ignored. */
    CHECK(till.set(u"Путь", u"/another") && till.set(u"ДокументJSON", u"{\"another\":1}"));
    CHECK(till.set(u"ТестовыйРежим", true) && till.set(u"ExtId", u"документ-1"));
    CHECK(till.set(u"ПовторятьВТечениеМс", 20000));
    CHECK(till.run(u"SENDDOCUMENT", {z_report, u" {\"n\":1.50,  \"ё\": [ ]} "}));
    CHECK(till.get(u"КодОшибки") == Value(0));
    CHECK(till.get(u"ИдентификаторЗапроса") == Value(u"документ-1"));
    CHECK(till.run(u"SendDocument", {z_report, Value()}) && till.get(u"КодОшибки") == Value(0));
    CHECK(till.get(u"Path") == Value(u"/another"));

    /* Argument errors raise no exception, and nothing is sent. */
    refuse(u"", u"", u"path");
    refuse(Value(), Value(), u"path");
    refuse(u"/a/../b", u"", u"path");
    refuse(z_report, u"[]", u"document_json");
    refuse(z_report, u"{\"login\":\"1\"}", u"document_json");
    refuse(z_report, u"{\"cashier_name\":\"1\"}", u"document_json");
    CHECK(till.set(u"ExtId", Value()));
    refuse(z_report, u"", u"ext_id");
    CHECK(till.set(u"ПовторятьВТечениеМс", Value()) && till.set(u"ТестовыйРежим", false));
    /* A path is refused for a shift. */
    CHECK(till.call(u"ОткрытьСмену") == Value(false));
    CHECK(has(till.get(u"ОшибкиПолей").text, u"[{\"field\":\"path\""));

    std::u16string request = std::u16string(u"{\"apikey\":\"") + APIKEY +
                             u"\",\"login\":\"79031234567\",\"proxy\":\"none\",\"path\":\"" + z_report +
                             u"\",\"document_json\":{\"n\":1.50},\"base_url\":\"" + context.base_url + u"\"}";
    Value answer = till.call(u"ОтправитьДокументJSON", {request});
    CHECK_MSG(has(answer.text, u"\"code\":0,"), to_utf8(answer.text));
    CHECK(has(answer.text, till.get(u"UUID").text) && till.get(u"UUID").text.size() == 36);
    answer = till.call(u"SendDocumentJSON", {u"{"});
    CHECK_MSG(has(answer.text, u"\"code\":-2,"), to_utf8(answer.text));

    /* The outbox takes the document from the properties. */
    CHECK(till.call(u"ОткрытьОчередь", {context.folder + u"/документы.db"}) == Value(true));
    CHECK(till.set(u"Путь", z_report) && till.set(u"ДокументJSON", u"{\"n\":2}"));
    CHECK(till.call(u"ПоставитьВОчередь") == Value(false));
    CHECK(has(till.get(u"ОшибкиПолей").text, u"[{\"field\":\"ext_id\""));
    CHECK(till.set(u"ExtId", u"документ-2") && till.call(u"ПоставитьВОчередь") == Value(true));
    CHECK(outcome(till, u"документ-2") == Value(0) && till.get(u"UUID").text.size() == 36);
    Value list = till.call(u"ОчередьJSON");
    CHECK_MSG(has(list.text, u"\"path\":\"" + z_report + u"\""), to_utf8(list.text));
    CHECK(till.set(u"DocumentJSON", u"{\"n\":3}"));
    CHECK(till.call(u"ПоставитьВОчередь") == Value(false) && till.get(u"КодОшибки") == Value(-2));
    CHECK_MSG(till.platform.errors.empty(), to_utf8(till.last_error()));
}

/* ---- In JSON ---- */

void json(const Context &context)
{
    Object till(context.library);
    std::u16string request = std::u16string(u"{\"apikey\":\"") + APIKEY +
                             u"\",\"login\":\"79031234567\",\"ext_id\":\"json-1\",\"proxy\":\"none\","
                             u"\"base_url\":\"" + context.base_url + u"\"}";
    Value answer = till.call(u"ОткрытьСменуJSON", {request});
    CHECK_MSG(has(answer.text, u"\"code\":0,"), to_utf8(answer.text));
    CHECK(has(answer.text, till.get(u"UUID").text) && till.get(u"UUID").text.size() == 36);
    CHECK(till.get(u"ИдентификаторЗапроса") == Value(u"json-1"));
    CHECK(till.run(u"OpenShiftJSON", {request}));
    for (const Value &wrong : {Value(u"[]"), Value(u""), Value(), Value(u"{\"логин\":1}")}) {
        answer = till.call(u"OpenShiftJSON", {wrong});
        CHECK_MSG(has(answer.text, u"\"code\":-2,"), to_utf8(answer.text));
        CHECK(till.get(u"КодОшибки") == Value(-2));
    }
    /* If 1C has no memory for the answer, the properties still have the result. */
    onec::Variant text, empty;
    to_variant(till.memory, request, text);
    till.memory.refuses = true;
    CHECK(!till.component->CallAsFunc(till.method(u"OpenShiftJSON"), &empty, &text, 1));
    CHECK(empty.type == onec::EMPTY && has(till.last_error(), u"памят"));
    till.memory.refuses = false;
    from_variant(till.memory, text, false);
    CHECK(till.get(u"КодОшибки") == Value(0) && till.get(u"UUID").text.size() == 36);
}

void words(const Context &context)
{
    Object till(context.library);
    Value one = till.call(u"НовыйИдентификатор"), other = till.call(u"NewExtId");
    CHECK(one.text.size() == 36 && other.text.size() == 36 && !(one == other));
    CHECK(till.call(u"ИмяКода", {-4}) == Value(u"LP_ERR_TIMEOUT"));
    CHECK(till.call(u"CodeName", {1e15}) == Value(u"UNKNOWN"));
    CHECK(has(till.call(u"ТекстКода", {6080}).text, u"запрещена"));
    CHECK(!till.call(u"CodeText", {-1e15}).text.empty());
    std::u16string log = context.folder + u"/1c.log";
    CHECK(till.call(u"ЖурналВФайл", {log}) == Value(true));
    CHECK(till.call(u"LogToFile", {log, 5, 100000}) == Value(true));
    CHECK(till.call(u"LogToFile", {log, 5, Value()}) == Value(true));
    configure(till, context);
    CHECK(till.set(u"ExtId", u"logged") && till.call(u"OpenShift") == Value(true));
    CHECK(till.call(u"LogToFile", {u""}) == Value(true));
    for (const Value &level : {Value(-1), Value(6), Value(1e12)}) {
        CHECK(till.call(u"LogToFile", {log, level}) == Value(false));
        CHECK(till.get(u"КодОшибки") == Value(-2));
    }
    CHECK(till.call(u"LogToFile", {context.folder + u"/нет/такой/папки"}) == Value(false));

    /* Optional parameters have default values. */
    long method = till.method(u"ЖурналВФайл");
    onec::Variant value;
    CHECK(!till.component->GetParamDefValue(method, 0, &value) && value.type == onec::EMPTY);
    CHECK(till.component->GetParamDefValue(method, 1, &value) && value.type == onec::I4);
    CHECK(value.i4 == 3);
    CHECK(till.component->GetParamDefValue(method, 2, &value) && value.i4 == 0);
    CHECK(!till.component->GetParamDefValue(method, 3, &value) && value.type == onec::EMPTY);
    CHECK(!till.component->GetParamDefValue(method, -1, &value));
    method = till.method(u"ПовторитьСейчас");
    CHECK(till.component->GetParamDefValue(method, 0, &value) && value.type == onec::PWSTR);
    CHECK(from_variant(till.memory, value) == Value(u""));
    method = till.method(u"ОтправитьДокумент");
    CHECK(!till.component->GetParamDefValue(method, 0, &value) && value.type == onec::EMPTY);
    CHECK(till.component->GetParamDefValue(method, 1, &value) && value.type == onec::PWSTR);
    CHECK(from_variant(till.memory, value) == Value(u""));
    CHECK(till.platform.errors.empty());
}

/* ---- The outbox ---- */

static Value outcome(Object &till, const char16_t *ext_id)
{
    for (int look = 0; look < 600; look++) {
        Value code = till.call(u"СостояниеВОчереди", {ext_id});
        if (!(code == Value(-1)))
            return code;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    fail(__FILE__, __LINE__, "no outcome of", to_utf8(ext_id));
}

void outbox(const Context &context)
{
    Object till(context.library);
    std::u16string file = context.folder + u"/смены.db";
    /* No outbox is open: the methods return Ложь or LP_ERR_CLOSED (-12). */
    CHECK(till.call(u"ПоставитьВОчередь") == Value(false) && till.get(u"КодОшибки") == Value(-12));
    CHECK(till.call(u"СостояниеВОчереди", {u"1"}) == Value(-12));
    CHECK(till.get(u"ИдентификаторЗапроса") == Value(u"1"));
    CHECK(till.call(u"ОжидаетВОчереди") == Value(-12) && till.call(u"ОчередьJSON") == Value(u""));
    CHECK(till.call(u"ПовторитьСейчас") == Value(false));
    CHECK(till.call(u"ОтменитьВОчереди", {u"1"}) == Value(false));
    CHECK(till.get(u"ИдентификаторЗапроса") == Value(u"1"));
    CHECK(till.call(u"ЗабытьВОчереди", {u"1"}) == Value(false));
    CHECK(till.call(u"ЗакрытьОчередь") == Value(false) && till.get(u"КодОшибки") == Value(-12));
    CHECK(till.call(u"ОткрытьОчередь", {file}) == Value(false));
    CHECK(has(till.get(u"ОшибкиПолей").text, u"apikey"));

    configure(till, context);
    CHECK(till.set(u"ПаузыМс", u"100"));
    CHECK(till.call(u"ОткрытьОчередь", {u""}) == Value(false));
    CHECK(has(till.get(u"ОшибкиПолей").text, u"path"));
    CHECK(till.call(u"ОткрытьОчередь", {file}) == Value(true) && till.get(u"КодОшибки") == Value(0));
    CHECK(till.call(u"ОчередьJSON") == Value(u"[]") && till.call(u"ОжидаетВОчереди") == Value(0));

    CHECK(till.set(u"ExtId", u"q-1"));
    CHECK(till.call(u"ПоставитьВОчередь") == Value(true));
    CHECK(till.get(u"ИдентификаторЗапроса") == Value(u"q-1"));
    CHECK(outcome(till, u"q-1") == Value(0) && till.get(u"UUID").text.size() == 36);
    CHECK(till.call(u"ПоставитьВОчередь") == Value(true) && till.get(u"КодОшибки") == Value(0));
    CHECK(till.set(u"Кассир", u"Другая") && till.call(u"SubmitToOutbox") == Value(false));
    CHECK(till.get(u"КодОшибки") == Value(-2) && till.set(u"Кассир", u""));

    /* Rejected by LifePay, then submitted again with a corrected login. */
    CHECK(till.set(u"ExtId", u"q-2") && till.set(u"Логин", u"70000006010"));
    CHECK(till.run(u"SubmitToOutbox"));
    CHECK(till.call(u"OutboxState", {u"q-2", 20000}) == Value(6010));
    CHECK(till.set(u"Логин", u"79031234567") && till.call(u"SubmitToOutbox") == Value(true));
    CHECK(outcome(till, u"q-2") == Value(0));

    /* A request that never succeeds. */
    CHECK(till.set(u"ExtId", u"q-3") && till.set(u"СерийныйНомер", u"0499"));
    CHECK(till.call(u"SubmitToOutbox") == Value(true));
    CHECK(till.call(u"PendingInOutbox") == Value(1) && till.call(u"OutboxState", {u"q-3"}) == Value(-1));
    CHECK(till.call(u"ForgetInOutbox", {u"q-3"}) == Value(false) && till.get(u"КодОшибки") == Value(-2));
    CHECK(till.get(u"Исход") == Value(2));
    CHECK(till.call(u"RetryNow", {u"q-3"}) == Value(true) && till.call(u"RetryNow") == Value(true));
    CHECK(till.call(u"RetryNow", {u"q-1"}) == Value(false) && till.get(u"КодОшибки") == Value(-2));
    /* Not LP_OUTCOME_NOT_SENT: LifePay has accepted this request. */
    CHECK(till.get(u"Исход") == Value(2));
    Value list = till.call(u"OutboxList");
    for (const char16_t *part : {u"\"ext_id\":\"q-1\"", u"\"ext_id\":\"q-3\"", u"\"pending\":true",
                                 u"\"foreign\":false", u"\"target_serial\":\"0499\""})
        CHECK_MSG(has(list.text, part), to_utf8(list.text));
    CHECK(!has(list.text, APIKEY));
    /* For the Rust test that compares it with the header. */
    std::ofstream(to_utf8(context.folder + u"/list.json"), std::ios::binary) << to_utf8(list.text);
    CHECK(till.call(u"CancelInOutbox", {u"q-3"}) == Value(true) && till.get(u"КодОшибки") == Value(-8));
    CHECK(till.call(u"ForgetInOutbox", {u"q-3"}) == Value(true));
    CHECK(till.call(u"OutboxState", {u"q-3"}) == Value(-10));
    CHECK(till.call(u"RetryNow", {u"q-3"}) == Value(false) && till.get(u"КодОшибки") == Value(-10));
    CHECK(till.get(u"RequestExtId") == Value(u"q-3"));
    CHECK(till.call(u"OutboxState", {u""}) == Value(-2) && till.call(u"OutboxState", {u"q", -1}) == Value(-2));
    CHECK(till.call(u"CancelInOutbox", {Value()}) == Value(false));

    /* Opened again by the same object, then by another one, and left open at the end. */
    CHECK(till.call(u"OpenOutbox", {file}) == Value(true));
    CHECK(till.call(u"OutboxState", {u"q-1"}) == Value(0));
    CHECK(till.call(u"CloseOutbox") == Value(true) && till.call(u"CloseOutbox") == Value(false));
    Object other(context.library);
    configure(other, context);
    CHECK(other.call(u"ОткрытьОчередь", {file}) == Value(true));
    CHECK(other.call(u"OutboxState", {u"q-1"}) == Value(0));
    CHECK(till.platform.errors.empty() && other.platform.errors.empty());
}

/* One object on several threads, as on 1C's server. */
void threads(const Context &context)
{
    Object till(context.library);
    configure(till, context);
    long open = till.method(u"ОткрытьСмену"), code = till.property(u"КодОшибки");
    long timeout = till.property(u"ТаймаутМс");
    std::vector<std::thread> running;
    for (int number = 0; number < 4; number++)
        running.emplace_back([&] {
            for (int turn = 0; turn < 5; turn++) {
                onec::Variant value;
                CHECK(till.component->CallAsFunc(open, &value, nullptr, 0) && value.boolean);
                CHECK(till.component->GetPropVal(code, &value) && value.i4 == 0);
                value.type = onec::I4;
                value.i4 = 20000;
                CHECK(till.component->SetPropVal(timeout, &value));
            }
        });
    for (std::thread &thread : running)
        thread.join();
}
