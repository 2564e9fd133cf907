/* getpeername() knows nobody: as when a client has gone, or the kernel does not tell who it is. */

#include <errno.h>
#include <sys/socket.h>

int getpeername(int socket, struct sockaddr *address, socklen_t *length)
{
	(void)socket;
	(void)address;
	(void)length;
	errno = ENOTCONN;
	return -1;
}
