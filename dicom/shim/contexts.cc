#include "dicom/shim/contexts.h"

#include <algorithm>
#include <cstring>

extern "C" {
#include "dicom/syntax.h"
}

namespace
{

const char *const STORED_CLASSES[] = {
    UID_UltrasoundImageStorage,
    UID_UltrasoundMultiframeImageStorage,
    UID_RETIRED_UltrasoundImageStorage,
    UID_RETIRED_UltrasoundMultiframeImageStorage,
    UID_EnhancedUSVolumeStorage,
    UID_SecondaryCaptureImageStorage,
    UID_MultiframeSingleBitSecondaryCaptureImageStorage,
    UID_MultiframeGrayscaleByteSecondaryCaptureImageStorage,
    UID_MultiframeGrayscaleWordSecondaryCaptureImageStorage,
    UID_MultiframeTrueColorSecondaryCaptureImageStorage,
    UID_BasicTextSRStorage,
    UID_EnhancedSRStorage,
    UID_ComprehensiveSRStorage,
    UID_Comprehensive3DSRStorage,
    UID_KeyObjectSelectionDocumentStorage,
    UID_SegmentationStorage,
    UID_EncapsulatedPDFStorage,
};

template <size_t N> bool listed(const char *const (&list)[N], const char *uid)
{
    return std::any_of(list, list + N, [&](const char *known) { return strcmp(known, uid) == 0; });
}

/* Commands have no pixels: only the three encodings that every peer must know. */
bool acceptable(const struct dicom_syntax *syntax, bool storage, bool decoded)
{
    if (!syntax || (syntax->codec == DICOM_CODEC_MISSING) == decoded)
        return false;
    /* DCMTK ends an association on a message in a syntax that is newer than itself. */
    if (DcmXfer(syntax->uid).getXfer() == EXS_Unknown)
        return false;
    return storage || (syntax->codec == DICOM_CODEC_NATIVE && !syntax->deflated);
}

bool proposed(const T_ASC_PresentationContext &context, const char *syntax)
{
    for (int i = 0; i < context.transferSyntaxCount; i++)
        if (strcmp(context.proposedTransferSyntaxes[i], syntax) == 0)
            return true;
    return false;
}

/* A preferred one, else the first of the peer's list that can be decoded, else the first that can
 * be stored: compressed objects stay compressed. NULL: none. */
const char *choose_syntax(const T_ASC_PresentationContext &context, bool storage,
                          const struct dicom_receiver_settings *settings)
{
    for (size_t i = 0; i < settings->preferred_count; i++) {
        const struct dicom_syntax *syntax = dicom_syntax_find(settings->preferred_syntaxes[i]);
        for (bool decoded : {true, false})
            if (acceptable(syntax, storage, decoded) && proposed(context, syntax->uid))
                return syntax->uid;
    }
    for (bool decoded : {true, false})
        for (int i = 0; i < context.transferSyntaxCount; i++)
            if (acceptable(dicom_syntax_find(context.proposedTransferSyntaxes[i]), storage,
                           decoded))
                return context.proposedTransferSyntaxes[i];
    return nullptr;
}

/* Who answers to a request for storage commitment on an association of its own is the SCP there, and
 * ought to say so. */
T_ASC_SC_ROLE role_of(const T_ASC_PresentationContext &context)
{
    return contexts_is_commitment(context.abstractSyntax) ? context.proposedRole : ASC_SC_ROLE_DEFAULT;
}

} // namespace

bool contexts_is_storage(const char *abstract_syntax)
{
    return listed(STORED_CLASSES, abstract_syntax);
}

bool contexts_is_verification(const char *abstract_syntax)
{
    return strcmp(abstract_syntax, UID_VerificationSOPClass) == 0;
}

bool contexts_is_commitment(const char *abstract_syntax)
{
    return strcmp(abstract_syntax, UID_StorageCommitmentPushModelSOPClass) == 0;
}

void contexts_negotiate(T_ASC_Parameters *params, const struct dicom_receiver_settings *settings,
                        const struct dicom_permission &may, bool answers)
{
    for (int i = 0; i < ASC_countPresentationContexts(params); i++) {
        T_ASC_PresentationContext context;
        shim_check(ASC_getPresentationContext(params, i, &context));
        bool storage = contexts_is_storage(context.abstractSyntax);
        bool commitment = contexts_is_commitment(context.abstractSyntax);
        bool known = storage || commitment || contexts_is_verification(context.abstractSyntax);
        bool allowed = commitment ? answers || may.commit : storage ? may.store : may.echo;
        const char *syntax =
            known && allowed ? choose_syntax(context, storage, settings) : nullptr;
        if (syntax)
            shim_check(
                ASC_acceptPresentationContext(params, context.presentationContextID, syntax,
                                              role_of(context)));
        else
            shim_check(ASC_refusePresentationContext(params, context.presentationContextID,
                                                     !known     ? ASC_P_ABSTRACTSYNTAXNOTSUPPORTED
                                                     : !allowed ? ASC_P_USERREJECTION
                                                                : ASC_P_TRANSFERSYNTAXESNOTSUPPORTED));
    }
}
