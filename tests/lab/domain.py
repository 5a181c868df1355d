"""What the tests ask of the domain: users, counters of failed logons, passwords.

domain.py CONFIGURATION DATABASE create-all THRESHOLD USERS.json
                                 create USER          (password on stdin)
                                 password USER        (password on stdin)
                                 count USER           prints badPwdCount and lockoutTime as JSON
                                 unlock USER
"""

import json
import sys

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

# Longer than any test run: a counter that forgets would hide a second failure.
WINDOW = str(-30 * 60 * 10**7)
SERVICE_NAMES = ["HTTP/localhost", "HTTP/127.0.0.1", "HTTP/parent.corp.lab.test"]


def open_domain(configuration, database):
    parameters = LoadParm()
    parameters.load(configuration)
    return SamDB(url=database, session_info=system_session(), lp=parameters)


def find(domain, user, *attributes):
    found = domain.search(
        str(domain.domain_dn()),
        expression="(sAMAccountName=%s)" % ldb.binary_encode(user),
        attrs=list(attributes) or None,
    )
    if not found:
        sys.exit("no such user: %s" % user)
    return found[0]


def replace(domain, dn, **values):
    message = ldb.Message()
    message.dn = ldb.Dn(domain, str(dn))
    for name, value in values.items():
        message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    domain.modify(message)


def create_all(domain, threshold, path):
    domain.set_pwdProperties("0")
    domain.set_minPwdLength("1")
    domain.set_minPwdAge("0")
    domain.set_maxPwdAge("0")
    replace(
        domain,
        domain.domain_dn(),
        pwdHistoryLength="0",
        lockoutThreshold=threshold,
        lockoutDuration=WINDOW,
        lockOutObservationWindow=WINDOW,
    )
    with open(path, encoding="utf-8") as file:
        for user in json.load(file):
            create(domain, **user)
    domain.newuser("svc-http", "Svc-http-Passw0rd!")
    replace(domain, find(domain, "svc-http").dn, servicePrincipalName=SERVICE_NAMES)
    domain.setexpiry("(sAMAccountName=svc-http)", 0, no_expiry_req=True)


def create(domain, name, password, upn=None, disabled=False, mustChange=False):
    domain.newuser(name, password, force_password_change_at_next_login_req=mustChange)
    if upn:
        replace(domain, find(domain, name).dn, userPrincipalName=upn)
    if disabled:
        expression = "(sAMAccountName=%s)" % name
        domain.toggle_userAccountFlags(expression, 2, "UF_ACCOUNTDISABLE", on=True)


def count(domain, user):
    entry = find(domain, user, "badPwdCount", "lockoutTime")
    number = lambda name: int(str(entry[name][0])) if name in entry else 0
    print(json.dumps({"badPwdCount": number("badPwdCount"), "lockoutTime": number("lockoutTime")}))


def unlock(domain, user):
    dn = find(domain, user).dn
    try:
        replace(domain, dn, lockoutTime="0", badPwdCount="0")
    except ldb.LdbError:
        replace(domain, dn, lockoutTime="0")


def main(configuration, database, command, *arguments):
    domain = open_domain(configuration, database)
    if command == "create-all":
        create_all(domain, *arguments)
    elif command == "create":
        create(domain, arguments[0], sys.stdin.read())
    elif command == "password":
        expression = "(sAMAccountName=%s)" % arguments[0]
        domain.setpassword(expression, sys.stdin.read(), False)
    elif command == "count":
        count(domain, *arguments)
    elif command == "unlock":
        unlock(domain, *arguments)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")
    main(*sys.argv[1:])
