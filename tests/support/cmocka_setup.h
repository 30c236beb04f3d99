/* cmocka wants these before it. */
#ifndef RAINGAUGE_TEST_CMOCKA_SETUP_H
#define RAINGAUGE_TEST_CMOCKA_SETUP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
