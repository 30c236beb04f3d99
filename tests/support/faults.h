/* Makes the n-th of the file operations that are wrapped fail (write, fsync, fdatasync, rename, open, ftruncate, link),
 * whichever thread calls it. For a program that is linked with rg_with_faults().
 *
 *     for (unsigned nth = 1; ; nth++) {
 *         faults_arm(nth, ENOSPC);
 *         … the scenario …
 *         if (!faults_disarm()) break;         // it had fewer operations: all of them have failed once
 *     } */
#ifndef RAINGAUGE_TEST_FAULTS_H
#define RAINGAUGE_TEST_FAULTS_H

#include <stdbool.h>

void faults_arm(unsigned nth, int error);
/* Whether the fault came. */
bool faults_disarm(void);

#endif
