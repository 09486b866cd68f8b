/*
 * Lets a daemon that needs IPVS in the kernel run without it, so that the cost of its checks can be measured: preloaded,
 * it takes the place of those functions of libnl that speak generic netlink. Nothing is sent, and every message counts as
 * acknowledged.
 *
 *	gcc -shared -fPIC -O2 -o ipvs_absent.so ipvs_absent.c
 */

typedef int handler(void *message, void *argument);

/* Of enum nl_cb_type, libnl3/netlink/handlers.h. */
enum { NL_CB_FINISH = 1, NL_CB_ACK = 4 };

/* A program uses one socket at a time, and waits for the end of a dump or for an acknowledgement. */
static struct waiting {
	handler *call;
	void *argument;
} finish, acknowledgement;

static void end(struct waiting *w)
{
	if (w->call)
		w->call(0, w->argument);
}

int nl_socket_modify_cb(void *socket, int type, int kind, handler *call, void *argument)
{
	struct waiting w = {call, argument};

	if (type == NL_CB_FINISH)
		finish = w;
	if (type == NL_CB_ACK)
		acknowledgement = w;
	return 0;
}

int genl_connect(void *socket)
{
	return 0;
}

/* The family's number: any will do. */
int genl_ctrl_resolve(void *socket, const char *family)
{
	return 0x20;
}

/* The number of bytes sent. */
int nl_send_auto(void *socket, void *message)
{
	return 1;
}

int nl_recvmsgs_default(void *socket)
{
	end(&finish);
	end(&acknowledgement);
	return 0;
}
