/* Makes the n-th allocation from the heap fail. For a program that is linked with its wrappers (see
 * tests/map/CMakeLists.txt).
 *
 *     for (unsigned nth = 1; ; nth++) {
 *         failing_heap_arm(nth);
 *         … the scenario …
 *         if (!failing_heap_disarm()) break;   // it had fewer allocations: all of them have failed once
 *     } */
#ifndef RAINGAUGE_TEST_FAILING_HEAP_H
#define RAINGAUGE_TEST_FAILING_HEAP_H

#include <stdbool.h>

void failing_heap_arm(unsigned nth);
bool failing_heap_disarm(void);          /* whether one failed */
unsigned failing_heap_allocations(void); /* so many since it was last armed or disarmed */

#endif
