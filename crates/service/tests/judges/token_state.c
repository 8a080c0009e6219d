/* A PKCS#11 module over another one (SOHOA_TEST_TOKEN_OVER), for states that SoftHSM never reaches: with SOHOA_TEST_TOKEN_LAST_TRY set the
   token says that one try of its PIN is left; while the file SOHOA_TEST_TOKEN_GONE exists it does not sign, as if it were pulled out. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long word;
/* PKCS#11 2.40: version, then the functions in the order of the standard. */
struct list {
    unsigned char version[2];
    void *function[68];
};
enum { GET_TOKEN_INFO = 6, SIGN = 43 };
/* CK_TOKEN_INFO: label, maker (32 each), model, serial number (16 each), then the flags. */
enum { FLAGS = 96 };
static const word USER_PIN_FINAL_TRY = 0x20000, DEVICE_REMOVED = 0x32;

static struct list own;
static struct list *under;

static word get_token_info(word slot, unsigned char *info) {
    word result = ((word(*)(word, unsigned char *))under->function[GET_TOKEN_INFO])(slot, info);
    if (result == 0 && getenv("SOHOA_TEST_TOKEN_LAST_TRY")) {
        word flags;
        memcpy(&flags, info + FLAGS, sizeof flags);
        flags |= USER_PIN_FINAL_TRY;
        memcpy(info + FLAGS, &flags, sizeof flags);
    }
    return result;
}

static word sign(word session, unsigned char *data, word length, unsigned char *signature, word *room) {
    const char *gone = getenv("SOHOA_TEST_TOKEN_GONE");
    if (gone && access(gone, F_OK) == 0) return DEVICE_REMOVED;
    return ((word(*)(word, unsigned char *, word, unsigned char *, word *))under->function[SIGN])(session, data, length, signature, room);
}

word C_GetFunctionList(struct list **list) {
    if (!under) {
        void *module = dlopen(getenv("SOHOA_TEST_TOKEN_OVER"), RTLD_NOW);
        if (!module) return 5;
        ((word(*)(struct list **))dlsym(module, "C_GetFunctionList"))(&under);
        own = *under;
        own.function[GET_TOKEN_INFO] = (void *)get_token_info;
        own.function[SIGN] = (void *)sign;
    }
    *list = &own;
    return 0;
}
