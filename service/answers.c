#include "service/answers.h"

#include <string.h>

#include "base/log.h"

bool answers_expected(const struct settings *settings)
{
    for (size_t i = 0; i < settings->destination_count; i++)
        if (settings->destinations[i].commitment == SETTINGS_COMMITMENT_REQUIRED)
            return true;
    return false;
}

static int keep(void *context, const struct dicom_commitment *answer, const char *path,
                struct error *err)
{
    const struct answers *answers = context;
    const struct settings *settings = answers->settings;
    bool expected = false;
    for (size_t i = 0; i < settings->destination_count && !expected; i++)
        expected = settings->destinations[i].commitment == SETTINGS_COMMITMENT_REQUIRED &&
                   strcmp(settings->destinations[i].ae_title, answer->calling_ae) == 0;
    if (!expected)
        return error_set(err, STATUS_INVALID,
                         "answer to storage commitment of somebody who was not asked");
    int status = store_answer_write(answers->store, path, answer->transaction_uid, err);
    if (status == 0)
        log_event(LOG_DEBUG, "answer to storage commitment kept", "assoc=%s transaction=%s",
                  answers->association, answer->transaction_uid);
    return status;
}

static void refused(void *context, uint16_t dimse_status, const struct error *reason)
{
    const struct answers *answers = context;
    log_error(LOG_WARNING, "answer to storage commitment refused", reason,
              "assoc=%s dimse_status=0x%04X", answers->association, dimse_status);
}

struct dicom_commitment_sink answers_sink(struct answers *answers)
{
    return (struct dicom_commitment_sink){answers, keep, refused};
}
