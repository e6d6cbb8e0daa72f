/* axnode words PATH [--json] */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cli/command.h"
#include "cli/files.h"
#include "cli/words_print.h"
#include "dicom/reader.h"
#include "dicom/setup.h"
#include "image/annotation.h"
#include "image/png.h"
#include "image/words.h"

static const char usage_text[] =
    "Usage: axnode words PATH [OPTION…]\n"
    "Read the words burned into a PNG or DICOM picture, and say what is taken from them: side,\n"
    "region, place, plane, readings of callipers, and whether they name the patient of the header.\n"
    "What is printed is patient data. No words: exit status 0.\n"
    "\n"
    "  --json       as JSON\n"
    "  --frame N    frame of a DICOM object, from 1 (default: 1)\n"
    "  --data DIR   folder of eng.traineddata (default: the system's)\n";

struct job {
    const char *path, *data;
    int frame; /* from 0 */
    bool json;
};

static int options_read(struct job *job, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"frame", required_argument, NULL, 'f'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct error err = {0};
    int64_t frame = 1;
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'j': job->json = true; break;
        case 'd': job->data = optarg; break;
        case 'f':
            if (number_parse_int(optarg, 1, INT_MAX, &frame, &err) < 0)
                return command_usage(argv[0], "--frame '%s': %s", optarg, err.message);
            break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    if (optind + 1 != argc)
        return command_usage(argv[0], "one PATH is needed");
    job->path = argv[optind];
    job->frame = (int)frame - 1;
    return -1;
}

/* A DICOM object's header is filled in; for anything else it stays empty. */
static int picture_read(const struct job *job, struct dicom_instance *header,
                        struct image *ret_picture, struct error *err)
{
    struct dicom_limits limits = dicom_limits_default();
    if (file_is_png(job->path))
        return image_read_png(job->path, ret_picture, err);
    int status = dicom_setup(err);
    if (status == 0)
        status = dicom_instance_read(job->path, &limits, header, err);
    if (status == 0)
        status = dicom_frame_decode(job->path, job->frame, &limits, ret_picture, err);
    return status;
}

int command_words(int argc, char **argv)
{
    static struct dicom_instance header; /* large for a stack */
    struct job job = {0};
    struct image picture = {0};
    struct words words;
    struct annotation annotation;
    struct word_reader *reader = NULL;
    struct error err = {0};
    int status = options_read(&job, argc, argv);
    if (status >= 0)
        return status;
    status = word_reader_new(job.data, &reader, &err);
    if (status == 0)
        status = picture_read(&job, &header, &picture, &err);
    const struct annotation_patient patient = {header.patient_name, header.patient_id};
    if (status == 0)
        status = annotation_read(reader, &picture, NULL, &patient, &words, &annotation, &err);
    int done = EXIT_DONE;
    if (status == 0)
        done = job.json ? words_print_json(job.path, &words, &annotation)
                        : words_print_text(&words, &annotation);
    image_release(&picture);
    word_reader_free(reader);
    return status < 0 ? command_failed(&err) : done;
}
