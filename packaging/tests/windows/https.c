/*
 * HTTPS with the roots of a file, and with those of Windows' store:
 *
 *     https URL CA_FILE        the store does not contain the root
 *     https CA_DER             adds the root to the store
 *     https URL "in store"     the store contains the root
 */
#include <windows.h>
#include <wincrypt.h>

#include "check.h"

/* The output is shown only if a check fails. */
static void LP_CALL log_line(int32_t level, const char *message, void *user_data)
{
    (void)level, (void)user_data;
    printf("%s\n", message);
}

static int32_t open_shift(const char *url, int32_t trust, const char *ca_file)
{
    lp_config config = config_for(url);
    lp_result result = new_result();
    int32_t code;

    config.trust = trust;
    config.ca_file = ca_file;
    code = lp_open_shift(&config, &result);
    CHECK_INT(result.outcome, code == LP_OK ? LP_OUTCOME_ANSWERED : LP_OUTCOME_NOT_SENT);
    lp_result_free(&result);
    return code;
}

static void trust_in_store(const char *path)
{
    static BYTE der[8192];
    FILE *file = fopen(path, "rb");
    DWORD length;
    HCERTSTORE store = CertOpenSystemStoreA(0, "ROOT");

    CHECK(file != NULL && store != NULL);
    length = (DWORD)fread(der, 1, sizeof der, file);
    fclose(file);
    CHECK(CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der, length,
                                           CERT_STORE_ADD_REPLACE_EXISTING, NULL));
    CHECK(CertCloseStore(store, 0));
}

int main(int argc, char **argv)
{
    CHECK(argc == 2 || argc == 3);
    if (argc == 2) {
        trust_in_store(argv[1]);
        return 0;
    }
    lp_set_log(log_line, NULL, LP_LOG_DEBUG);
    if (strcmp(argv[2], "in store") == 0) {
        CHECK_INT(open_shift(argv[1], LP_TRUST_SYSTEM, NULL), LP_OK);
        CHECK_INT(open_shift(argv[1], LP_TRUST_DEFAULT, NULL), LP_OK);
    } else {
        CHECK_INT(open_shift(argv[1], LP_TRUST_SYSTEM, NULL), LP_ERR_TLS);
        CHECK_INT(open_shift(argv[1], LP_TRUST_BUNDLED, argv[2]), LP_OK);
    }
    CHECK_INT(open_shift(argv[1], LP_TRUST_BUNDLED, NULL), LP_ERR_TLS);
    return 0;
}
