/* What the receiver agrees on: classes and transfer syntaxes. C++ only. */
#ifndef AXNODE_DICOM_SHIM_CONTEXTS_H
#define AXNODE_DICOM_SHIM_CONTEXTS_H

#include "dicom/shim/association.h"

extern "C" {
#include "dicom/receiver.h"
}

bool contexts_is_storage(const char *abstract_syntax);
bool contexts_is_verification(const char *abstract_syntax);
bool contexts_is_commitment(const char *abstract_syntax);

/* Accept or refuse each proposed context. `answers`: replies to our requests for storage commitment
 * are expected. Throws ShimFailure. */
void contexts_negotiate(T_ASC_Parameters *params, const struct dicom_receiver_settings *settings,
                        const struct dicom_permission &may, bool answers);

#endif
