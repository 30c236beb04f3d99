/* Runs a program and tells what it cost: its own processor time and peak memory, not those of whom it talks to.
 *
 *     cost FILE PROGRAM ARGUMENT...
 *
 * Writes "wall_us N cpu_us N peak_kib N exit N" into FILE when PROGRAM has ended; exit is 128 + the signal where one
 * ended it. SIGTERM and SIGINT are passed on, and PROGRAM does not outlive this one. PROGRAM starts from this small
 * process, not from the harness: a child's peak begins with that of the process it was made from. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile pid_t child;

static void pass_on(int number)
{
    if (child > 0)
        kill(child, number);
}

static long long now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static long long us_of(struct timeval t)
{
    return t.tv_sec * 1000000LL + t.tv_usec;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    long long began = now_us();
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    struct sigaction action = {.sa_handler = pass_on};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int status;
    struct rusage used;
    while (wait4(child, &status, 0, &used) < 0)
        if (errno != EINTR)
            return 1;
    long long wall = now_us() - began;
    FILE *f = fopen(argv[1], "w");
    if (!f)
        return 1;
    fprintf(f, "wall_us %lld cpu_us %lld peak_kib %ld exit %d\n", wall, us_of(used.ru_utime) + us_of(used.ru_stime),
            used.ru_maxrss, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    return fclose(f) ? 1 : 0;
}
