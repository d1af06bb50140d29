/* SPDX-License-Identifier: Apache-2.0 */
/* cred_profile: the format of ~/.aws/credentials and ~/.aws/config. */
#pragma once

#include "store/s3/cred_sources.h"

/* The value of key in a profile; text is cut up. config: sections are "[profile name]". The last of several counts. */
bool cred_profile_get(char *text, const char *profile, bool config, const char *key, struct buf *ret);
/* A setting of the profile in use, from the config file; ret stays empty when there is none. */
enum status cred_profile_setting(const char *key, struct buf *ret, struct error *err);
