//! Stores as keytool of JDK 17 and OpenSSL 3 make them; the keys were made for this test and are used nowhere else.

use super::*;
use base64::Engine;
use connect_data::Properties;
use schema_registry::Transport;
use std::path::PathBuf;

/// `keytool -importcert -storetype PKCS12`, password s3cret1.
const TRUST: &str = concat!(
    "MIIC4gIBAzCCAowGCSqGSIb3DQEHAaCCAn0EggJ5MIICdTCCAnEGCSqGSIb3DQEHBqCCAmIwggJeAgEAMIICVwYJKoZIhvcNAQcB",
    "MGYGCSqGSIb3DQEFDTBZMDgGCSqGSIb3DQEFDDArBBQGjmrJOnCvMRTHmeKSkerk3O2dggICJxACASAwDAYIKoZIhvcNAgkFADAd",
    "BglghkgBZQMEASoEEMv0cxQ+EsRr8tApufeRdFCAggHgGyKnZekEUYcrqIJFF52bmEp7i/Q1R5lqcFyZIsQ+0W5vCnRxr2pPfe7y",
    "bbtc6A6znkKQJS9vVDWBgN5Pmq7OtgMBSnqm1EqJf3g8QtrZONyknqaDYs2ZLo4Fe+xa6eC0MM9gWT//9tk7bDHy0HakpCxaMIpr",
    "zIf24Aj/1+yrgE5wuLdG7fbx4EI/QRvRm3u5T1X0SD1lwl/bFd5qcZyJVGYygi98SXR3vMtjjTP6MM0aB0JSCs3xqGB/EXhYI4wm",
    "t11jUEEedCI1KoEHU/z1X+1UqjuQOXhNdIaX2q1GNaZpzcucQ5LvQgdveBOZKFFOW+vlh/4qvJAzQcPAr51lwPNe3bgVpM+xi3E9",
    "2/5eSINGW8jh5SRy23wRCaMoL2i7tvz6BNtQFSvOwc1X+QJBPScZuYSt+UnWzTHDyYjB2AQQqx9V+4QKy2N+g72DEz4vaSyUp8fl",
    "aj7YeafgDWaKR5ruM7PJK1/6MNaJyUwbiz+6pNZWmfl2thoc6AoK5TNRRjhbZ3+7SS7peDY8sBCi7Ip7uFHfigk2x3PqsyKpTC8N",
    "xLOrivvWljXf4NH7182j0qUywj4OpzyoqnnKXnFJGofCJVYKU2GMg92JiGy3jk8bE9asdcLdimnHrIFaj8DLME0wMTANBglghkgB",
    "ZQMEAgEFAAQgUi/OWG5Yor+MScuMwZQGjXwM/rN4/NjR1SdGrOEzeD4EFNwSn70QnmCNLIhkPLc/wDBuHQJOAgInEA==",
);
/// `openssl pkcs12 -export -nokeys`, password s3cret1.
const TRUST_OPENSSL: &str = concat!(
    "MIIClwIBAzCCAk0GCSqGSIb3DQEHAaCCAj4EggI6MIICNjCCAjIGCSqGSIb3DQEHBqCCAiMwggIfAgEAMIICGAYJKoZIhvcNAQcB",
    "MFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjvZA/trkawGQICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMlj",
    "Obc4nRIJIAUNzfayCdOAggGwRAa37SIJA+v/9Hk2MeNPEakquhzHuTmwNZTSwuhBL4Jxt3tGTUvmlZVjugrIWquPKxN+VyXY76ua",
    "powL8i7TGcbrVZzfLVYgMrYJ1BqMTYw5PDrwVHKOJ8qDkVnULXDdZM5u4YfIEmpgjFSJ0gbxzU9lkklEHQeurYCX6fgDelwD4NN5",
    "IwbNfzsljwmumAGGQ6iSrhGMz/Ex0w+Bg3MkWAWos/oRnC4uc1aSRFdm+UjMb/4KGAoObMTfDmYZJAEy3GjB6zzoUFqfXvm6kiXN",
    "3kBnaLkoltptLBCI1vN2QEL+ybzDlhhtt0aY2C5qWT1l0eWPRAYstGtJ1qRnLhDpPvK9xb4t67j6ZOmbEtn7AvEWvd7A/mJ41ZNp",
    "fmik05Cc9B+1sZ1hRdZSwcvNqoiZCyAhuS+/tGDELeerqe0J0Zp5o/cP0H1VezAzeMFMWpWbq9IG7YLa0rUz8aUxjEnZjdXIwRNE",
    "OvkOOhUObW3BZaSRZL96gyq6SA1m2bafwnuHI2vYjhlsIvc3ii3NyCTN1/GALq7Ti0PGiHZGkUzHtet5UqBOLlfdxpombFDq4R5C",
    "MEEwMTANBglghkgBZQMEAgEFAAQghUWC5G6t8vNAcjwxtNovvPtPsSWJJUVwSwXUjDeURosECJForVOcJEEhAgIIAA==",
);
/// `keytool -importcert -storetype JKS`, password s3cret1.
const TRUST_JKS: &str = concat!(
    "/u3+7QAAAAIAAAABAAAAAgACY2EAAAGiBr9qTAAFWC41MDkAAAF0MIIBcDCCARegAwIBAgIUM96Pxp10V4D4eSP50DLxxBnOD8Iw",
    "CgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EwIBcNMjYxMTIzMDQ1MjE1WhgPMjEyNjEwMzAwNDUyMTVaMA0xCzAJBgNVBAMMAmNh",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJDzJtyzVygFbPMC4XfijATdx/zdwgh+8g5GvWwjGvFLMgHPu3nPt0McjAm93THmn",
    "kI7l9zw0cOU5JfUFQvIovaNTMFEwHQYDVR0OBBYEFPG7pn5r4qz0q85TOTKI3CaAzpxAMB8GA1UdIwQYMBaAFPG7pn5r4qz0q85T",
    "OTKI3CaAzpxAMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgX1eu7HMfITppyD5Z2W4vt68NdY0sKax4kYMmuSsj",
    "ShsCIEvoqzX6WoencWg4bWMur3ge2l9rjaUytvwinRDxYtruDsk/pMt2OIXB3/zQ5dtWSj9TEp0=",
);
/// `keytool -genkeypair -keyalg EC`, without the public part as Java writes it, password s3cret1.
const KEY: &str = concat!(
    "MIID2AIBAzCCA4IGCSqGSIb3DQEHAaCCA3MEggNvMIIDazCCASIGCSqGSIb3DQEHAaCCARMEggEPMIIBCzCCAQcGCyqGSIb3DQEM",
    "CgECoIG9MIG6MGYGCSqGSIb3DQEFDTBZMDgGCSqGSIb3DQEFDDArBBT/Ifq4BaaYoRXB3fvR+290O1r43AICJxACASAwDAYIKoZI",
    "hvcNAgkFADAdBglghkgBZQMEASoEEInv60ml7OgHM4licRiihS8EUIZBDaWk9z/XwvvTUQPpEi9EZMHdLiffhBt4UyTRDGpgNmLo",
    "9cN5jF6QqgoIOk5eCyw1u7oAdDBu8BQWtAdWv+aUHhO7KBoYjVd8l5Go34ERMTgwEwYJKoZIhvcNAQkUMQYeBABtAGUwIQYJKoZI",
    "hvcNAQkVMRQEElRpbWUgMTc5NTQwOTUzODgxMTCCAkEGCSqGSIb3DQEHBqCCAjIwggIuAgEAMIICJwYJKoZIhvcNAQcBMGYGCSqG",
    "SIb3DQEFDTBZMDgGCSqGSIb3DQEFDDArBBRmeYB9JjaG6rbttTh5fPRvxj6IZAICJxACASAwDAYIKoZIhvcNAgkFADAdBglghkgB",
    "ZQMEASoEEBmSth42R+AoI90lhLgDbPKAggGwh4wujcPvBKU6iAeQjbPbj+4ZyMPQVDlsSfpH8FXuZflgt5wkafWnehwXtZjgsnID",
    "4amApzNgz3xfmeU+SyyO5Pf4ZlX44BdRZFfRTHiP9KmpKz9WsWR+CgGiS2i5iCWXxQzmiWvcs4l+8EPqZaj3fVcFQc7rIzx75taX",
    "uTPTbmPL9Hw33F0qR33+mzITmK3/Asyyc6igEl5Xf/3oezkglH6PyTcK3RbBc82ZHi2A21mBoT3dtThgd0N20oKHF9zpxkviZQ+X",
    "lwIzi5Pzk/n0PN7j3dHoOUz3JZqYIGGIC9i33bWctVZ9WfzdNM06NVqFT0zwEFuXvUYZOGojA0WlCiKaKkHx8TQTpnkFLtQYBwnQ",
    "WkjDUtZP2IZU91JtuDqEebBVDkTeO5dfuPqAQEAr2QGV+12aXhdoPecWtRZmauFeUledfSdp48wF6dl+4fhKlGmdmmXdJVY/3uCe",
    "zqpXRQIqKCusmec3YPwKb6Vs3aJciJ/WKUvzE/OWfdXazFEzUyWwPqHNo2xwq5XSmZ70qwJ731cncCNdFwYydONLeo9NjybD0B+K",
    "H8s8JWVtY1UBME0wMTANBglghkgBZQMEAgEFAAQgjWjjlnRU5Bald+Gpm3T5OMbcfuzsmuRm95dnNqNJxeIEFHxWtAfa4JQkVQoH",
    "CKpA8mXjJaMXAgInEA==",
);
/// `keytool -genkeypair -keyalg RSA`, password s3cret1.
const KEY_RSA: &str = concat!(
    "MIIJ3AIBAzCCCYYGCSqGSIb3DQEHAaCCCXcEgglzMIIJbzCCBaYGCSqGSIb3DQEHAaCCBZcEggWTMIIFjzCCBYsGCyqGSIb3DQEM",
    "CgECoIIFQDCCBTwwZgYJKoZIhvcNAQUNMFkwOAYJKoZIhvcNAQUMMCsEFMns11JQGOw2OA1NwM1IEKYUQzjzAgInEAIBIDAMBggq",
    "hkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQnl14kluWeHhbKdbL5U6YGQSCBNDXPX+WAt7lUSK4mIadJwkY8SmNqCjFZN2ybZEczy6x",
    "qZMSSk8Jf2b/LygLD29OFwRXy1jRtqY/5ec/zS1v0oT6JB5/jWIxbbyrMSmCvSfOuR8ouUOxRh4+gkZKnR6o1PIVgz7Uu9wHpPUQ",
    "HSf8MviCG2QF8i6r0BTwS9HdcuCYzjiqqFsfcDFSrpwbAkGd7yRTp5gNjWCXkDxFYr/dGy5Bi6I/qrNWeVesQwU7HIezAHYDGa5P",
    "HFWOtP9i2Pez9mxaXkZ6lkJWPsNeQIbVjs49HY/vX58Pwbt0zbY6z7hjlV7SeaXOdg2aRCZLGcVBbKu4qc7AYUwGYQrl/5xgUuVy",
    "lyzB2bHWDt0qw2bCxFalNt9nuOzjCEsm51xD8M6C2GgVeB920hUf6z2N59jUIf4LVXjBYkT4SpI5kgiVTuE6t0Oz/Xz1tsaGeLpN",
    "oldTSALCx1I8tUaEx5w8pdneNHGhjLYXpkiZqLA2oqDS7n2dOHF7qjTT6Y9zxjaHB5o8SlJNY0UlrfOMtPR/A3YzaF0lZXb6wi6V",
    "HpSdlmuNOrp5Jj6/oXCyl0gSWP+27qwmbsJ9K0A5A2vqqnYT2UaMhu4Lr9xvcrTHbfFOyjzQQM3KZgHswdgly74bn7eYzFV4uA1G",
    "7KvVxpCwwfgLznAWS1h34v2Pqd3R3Moxn6vVAuba+6G7Gg8lfmxP9E/RoFS4MGSKQl5i9ZenytdNnTABZTOVWS/oPk+080xR5WiG",
    "6bBiui24gCn+zUCC0GyJoSncUZ3NLryGOeR0C/4cDC+TQ0b5wqx1pgElluEjXtaZz+SOfzDmxYvMOTAQe1GIQIhLs98gN5YunKwA",
    "evap1Yob0MDb55+mtovIxtDomlePdGOjgAzszolG/ckqmUglDNg7WPuMr/Fx+f+sIibeuBZbjtBZlBJJ6ylgY7/lhN3gVBwZD/C1",
    "HavNS0v8Mn89nBUbRObJl7TMCuKgo/7m7BoYmos+mwpGa37ET1sqpBJ7mC/ADMCr77IkezupXSyPEH7qeul3Mz0CLzhHqvsnbyhP",
    "Ucgdd4pBWRfa6uHi/nmMXuNg6C+ZBIpaJsNetx30+b81aD9VT56T1elCTc+JoMxjC0d1GS71vsS5OD/sZpYkNBRTjKN+CjdxrmjY",
    "GXCMfq0aJLdcI4VOadSeJ40B0HmBfdxyoYpry2G6p781ykw+p0IqYrHxKUAihmHT6jmgRCGWhL6RQE/aZgIx3twrZKtzkRXhxbt9",
    "LoFQRyapGcGmOxASKXbQ+GIk7FbyQGLrMMmy7E1Ik/IdDG1JX8XwZtgOZD6Ej2Yz0evBtzkO+sIRmzQL1FvaPnePrYgDeegIjkNh",
    "QFWzlypbKOMul/xSb6GZo5IzYXtvDACJl96Vlk8WQ9qY/LBE9lJRzTOr8hA/cYPmLfzt6ZydhOA+7xsWaCWfryJ0tH47tJUjMhxR",
    "ivL0hqMooqWaKME+daC1g1ppvdbGUrS7MuhuD4nrBemfmRh9+gXf66KCZt0XRiTfsjRYSSDN2I9L8REFVeKFZZed4whSSMowkLFd",
    "BLSinGW3tDlQG08FVObLn4435V5BIyDcRpckSKrYAT5BVWS+bpt2OpF6Pgr/vvfs5N/0ziTOpc8iVMzfOUVBRIhXQtw7BBBWL632",
    "LzE4MBMGCSqGSIb3DQEJFDEGHgQAbQBlMCEGCSqGSIb3DQEJFTEUBBJUaW1lIDE3OTU0MTA4NTQ4OTQwggPBBgkqhkiG9w0BBwag",
    "ggOyMIIDrgIBADCCA6cGCSqGSIb3DQEHATBmBgkqhkiG9w0BBQ0wWTA4BgkqhkiG9w0BBQwwKwQU1gmop/0XxGt8mo9+HSzW4Ygf",
    "GLUCAicQAgEgMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBAtyfbsGL53J54EECbM8JmfgIIDMJgycwUcRPNRwuPay/0upHcM",
    "X2rbsPL4P7xfF+MwZJ3kwRg7xVmIAYMFFcZK0qQ8arJ4DemuKYJvBkLH29M1wOocEbLXQda/MsTqzAj9m0d+omJoHBjcIiVjYJhE",
    "rStWOQA9DHCpccluV7RQjH0nt8uZo0D1uXoegMYrE9Uy1hyI3wB2Zn0UlwvzS03KH5A45lG6sPGN3wMQVXFwbs0I+w39Eaxz2E0Q",
    "mLtBZdF+f/5puqjrs40y4LC1RwJU2rBy7o1Wswufqd1Y4zNdxF5uzmROY81Yt+fF6Buh+3GZpUBXNDgyC8jF7xj6BdjcKuh8oLx/",
    "DFK/kOURaP1+RX7sVGrwpImZ7hEJbbx8R6rQO4iUFTxi7OXpv/4ZoyS5TqBks9NMg6+ZDTk6EwM+gujbliqIbe8dXXiceHd7D7aC",
    "wMjTYDMNB+e0dB/5jv9lbjKRjZAbvPkW6Aev3qbjf0dWMqlX1A60cNKsa1yxOl6YtbN4PvgY1MLh8/D0amNLh1l/sqolYqSvVRGJ",
    "Y1j060i3Ip+wULzNjXM/IaMhYgEffKSQZVtGBOHtYreW6Nlzw+efEnTNHdtpsA8OOabAATjKXdeGGGOTrqkirX65KMg7BwGIT0s+",
    "gsGn8d1Qjv4V27VpaCKBPgR79nImJGs9rv510UQuduQYmaoJflXm9zstQ18R9UKepkNZ23FOXc8ULcIw2nz6y78+Qd1pw3kFBCYE",
    "A26O7mq7pTwl/ncrsvJKrxYtOycbfVz4iWrq52SOJ4TSUvT1QSBJkTUBlK09hFRsQMcjrQoOQIQbwYfKIb5i4BGRjLzZmqYUtWKL",
    "HhSWBcOhBKkXWGcGM/ttGpT85dzvST9rQbC9ai4CwhHOQbxx7L/khRuD6eOdjhKi7ZiCxg9XMXJ2z+8F9Wn7vEZG+q3y8EfAIBum",
    "O85WGS33K7T/6FEcnodhhvkc/8fKO3Ugj3XvCuesVWE3/S0YBCf6tM6b4rznjb6TgPGWLVbaZSI9yyfd7FrdxZDJeZ/Iynp227+s",
    "Aym8fSUpRBnxTGFkeYYN+qKMOB5sbRHlARQExmjTtoy7KzvletEi31Ym1zEpIelW7zBNMDEwDQYJYIZIAWUDBAIBBQAEIHL48bgL",
    "xGwE5NByT7F+NvPtTWnfgwNI54beFMsHbttDBBS/RlJtZNPoqoDvyWkcySdq7mMjewICJxA=",
);
/// `openssl pkcs12 -export -legacy`, password s3cret1.
const KEY_LEGACY: &str = concat!(
    "MIIDEwIBAzCCAtkGCSqGSIb3DQEHAaCCAsoEggLGMIICwjCCAe8GCSqGSIb3DQEHBqCCAeAwggHcAgEAMIIB1QYJKoZIhvcNAQcB",
    "MBwGCiqGSIb3DQEMAQYwDgQIyH8YmlaJlc4CAggAgIIBqHw/knojjZMF8AUt1u1XIqMd9cHHQfOS5UU3/LH1X5iXB0U8XUZneBTO",
    "//FFUI3lchw1KuIkKOTP1juu5RmRgyUL7FR9aQbjZLwp8EFtwicL/mFio+q1gBv4w/Dm1orO9J/zb4itmZ5ZtqPTQ5gtHZ3/8hHz",
    "VBADPf9Lx5IGOJt09Xf05ilnsjPP754wiJbwyunnx+7odvomxcqVy/xWH8oPgZe3teljjXEOwpdLGHcSBaw5hai2+8Qb4+uzVgst",
    "Y2DuH8XBZBJ+oY8Seh8racGBKBLmPqL3U6R8dMp8UaY5V7+ZF7uRUki5JmKQY+WXw/5y0+ZITBXxhHTfCpTeSs2stllb6ZpGTUKT",
    "vGXsh16rRTC+7CXKmfT5WT7VS2/XfPzsPXCyYPwgZ+DWsHfh7rES3sQD4NHB/aeuD0Q3JuEPnVU2PvxqZQy96gcTc7or3cSvgniO",
    "nQwAenCdTP/Q6mJ8ArZ6sK7MFe2OUjONOiz9IxYJ8xlYwsT9ERmfz4Vso6iDKG2iWhVPUj/TrRdnARXmfkVSuc79Z056F2MLYrBT",
    "CeFlInaGhRUwgcwGCSqGSIb3DQEHAaCBvgSBuzCBuDCBtQYLKoZIhvcNAQwKAQKgajBoMBwGCiqGSIb3DQEMAQMwDgQICJO+I5d+",
    "W6cCAggABEieIWkEIVhwpWxl/ohH4nAOLqTkd3GD53CU8zHZMYMsxzPxmvT8ed57Wh1SSdbSARBCj8zk+PuOQhNNkVe7AgxEAFK5",
    "uuegaDwxOjATBgkqhkiG9w0BCRQxBh4EAG0AZTAjBgkqhkiG9w0BCRUxFgQUxvShLdFUUdoAjNJOFg/qi6uvc3AwMTAhMAkGBSsO",
    "AwIaBQAEFMS49PUNxAQEaft63q6eyv5IIfzNBAhYgq/VbUAb1QICCAA=",
);
/// The key and its certificate.
const KEY_PEM: &str = "\
-----BEGIN PRIVATE KEY-----
MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCC4JIHRtleXoFbonZ9i
hM87pOrroGK0tHuNcbQFYK2ZWA==
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBMjCB2aADAgECAggRsXo5DSk4DjAKBggqhkjOPQQDAjANMQswCQYDVQQDEwJt
ZTAgFw0yNjExMjMwNDUyMThaGA8yMTI2MTAzMDA0NTIxOFowDTELMAkGA1UEAxMC
bWUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARN6dwrVDs7EVwMhY76auX3QeLu
UTi2aDv4IDEmOR3U1bewCsYLwIo77eKLsBSS3tFbw8vCqwkYQtpOA2/yuRrDoyEw
HzAdBgNVHQ4EFgQUTwHL3O5zLSBz4SYTXZ+0BSQtET8wCgYIKoZIzj0EAwIDSAAw
RQIgPGcnG3jqGlvqKWbF+g0ANA1aU3rK5kVQkBCUopow4dwCIQClM1VlVieiTvzh
hae9DtoVjY19iWmqIRQBo1iywNV0Vw==
-----END CERTIFICATE-----
";
/// The same key, `openssl pkcs8 -topk8`, password s3cret2.
const KEY_ENCRYPTED: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGrMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjsj2+xMHIUswICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMKsR10jIo4gog5akjzdEfsEUGrr
HtF58TJgbELQZs9Sn5SIsTncaKHZjJH8H2KsiUiRTO6KAk+oSKi4Z4wzOUb2zX1H
6HnlaCVuLaU9lRdVerEISAwNaPDvL59lzCr97FR+
-----END ENCRYPTED PRIVATE KEY-----
";
/// The same key in its older form.
const KEY_SEC1: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEILgkgdG2V5egVuidn2KEzzuk6uugYrS0e41xtAVgrZlYoAoGCCqGSM49
AwEHoUQDQgAETencK1Q7OxFcDIWO+mrl90Hi7lE4tmg7+CAxJjkd1NW3sArGC8CK
O+3ii7AUkt7RW8PLwqsJGELaTgNv8rkaww==
-----END EC PRIVATE KEY-----
";
/// Another certificate, lines separated by blanks.
const CA_BASE64: &str = concat!(
    "MIIBcDCCARegAwIBAgIUM96Pxp10V4D4eSP50DLxxBnOD8IwCgYIKoZIzj0EAwIw ",
    "DTELMAkGA1UEAwwCY2EwIBcNMjYxMTIzMDQ1MjE1WhgPMjEyNjEwMzAwNDUyMTVa ",
    "MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJDzJtyzV ",
    "ygFbPMC4XfijATdx/zdwgh+8g5GvWwjGvFLMgHPu3nPt0McjAm93THmnkI7l9zw0 ",
    "cOU5JfUFQvIovaNTMFEwHQYDVR0OBBYEFPG7pn5r4qz0q85TOTKI3CaAzpxAMB8G ",
    "A1UdIwQYMBaAFPG7pn5r4qz0q85TOTKI3CaAzpxAMA8GA1UdEwEB/wQFMAMBAf8w ",
    "CgYIKoZIzj0EAwIDRwAwRAIgX1eu7HMfITppyD5Z2W4vt68NdY0sKax4kYMmuSsj ",
    "ShsCIEvoqzX6WoencWg4bWMur3ge2l9rjaUytvwinRDxYtru",
);

/// A file that ends with its test.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("bucatini-tls-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn base64(name: &str, content: &str) -> Self {
        Self::new(name, &base64::engine::general_purpose::STANDARD.decode(content).unwrap())
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn config(entries: &[(&str, &str)]) -> Result<ClientConfig> {
    let entries = entries.iter().map(|(name, value)| (format!("schema.registry.ssl.{name}"), (*value).to_owned()));
    client_config(&Transport::new(&Properties::from_iter(entries)).unwrap().tls)
}

fn trusted(entries: &[(&str, &str)]) -> Result<usize> {
    let entries = entries.iter().map(|(name, value)| (format!("schema.registry.ssl.{name}"), (*value).to_owned()));
    roots(Transport::new(&Properties::from_iter(entries)).unwrap().tls.trusted.as_ref()).map(|roots| roots.len())
}

#[test]
fn pkcs12_stores_of_java_and_openssl_open() {
    for (name, content) in [("trust.p12", TRUST), ("trust-openssl.p12", TRUST_OPENSSL)] {
        let file = File::base64(name, content);
        for kind in ["PKCS12", "JKS"] {
            let store =
                [("truststore.location", file.path()), ("truststore.type", kind), ("truststore.password", "s3cret1")];
            assert_eq!(trusted(&store).unwrap(), 1, "{name}");
        }
        let error = trusted(&[("truststore.location", file.path()), ("truststore.password", "s3cret9")]).unwrap_err();
        assert_eq!(error.code(), "registry.tls");
        assert!(error.message().contains("truststore.location") && !error.to_string().contains("s3cret"), "{error}");
    }
    for (name, content) in [("key.p12", KEY), ("rsa.p12", KEY_RSA), ("key-legacy.p12", KEY_LEGACY)] {
        let file = File::base64(name, content);
        let store = |password| config(&[("keystore.location", file.path()), ("keystore.password", password)]);
        assert!(store("s3cret1").unwrap().client_auth_cert_resolver.has_certs(), "{name}");
        assert!(store("s3cret9").unwrap_err().message().contains("keystore.location"), "{name}");
    }
    let file = File::base64("no-key.p12", TRUST);
    let error = config(&[("keystore.location", file.path()), ("keystore.password", "s3cret1")]).unwrap_err();
    assert!(error.message().contains("a private key with its certificate, found none"), "{error}");
}

#[test]
fn what_needs_a_jvm_is_refused_with_a_remedy() {
    let file = File::base64("trust.jks", TRUST_JKS);
    let error = trusted(&[("truststore.location", file.path()), ("truststore.password", "s3cret1")]).unwrap_err();
    assert!(error.hint_text().unwrap().starts_with("convert it: keytool -importkeystore "), "{error}");
    let error = config(&[("keystore.type", "PKCS11"), ("keystore.password", "1234")]).unwrap_err();
    assert!(error.message().contains("keystore.type: expected PEM or PKCS12, found PKCS11"), "{error}");
    assert!(error.hint_text().unwrap().contains("JVM"));
}

#[test]
fn pem_files_hold_key_and_chain() {
    let chain =
        KEY_PEM.split_once("-----BEGIN CERTIFICATE").map(|(_, rest)| format!("-----BEGIN CERTIFICATE{rest}")).unwrap();
    let key = &KEY_PEM[..KEY_PEM.len() - chain.len()];
    for (name, content) in [("both.pem", KEY_PEM.to_owned()), ("sec1.pem", format!("{chain}{KEY_SEC1}"))] {
        let file = File::new(name, content.as_bytes());
        let pem = config(&[("keystore.type", "PEM"), ("keystore.location", file.path())]).unwrap();
        assert!(pem.client_auth_cert_resolver.has_certs(), "{name}");
    }
    let file = File::new("encrypted.pem", format!("# key\n{KEY_ENCRYPTED}{chain}").as_bytes());
    let pem =
        |password| config(&[("keystore.type", "PEM"), ("keystore.location", file.path()), ("key.password", password)]);
    assert!(pem("s3cret2").unwrap().client_auth_cert_resolver.has_certs());
    let error = pem("s3cret9").unwrap_err();
    assert!(error.message().contains("key.password does not open") && !error.to_string().contains("s3cret"), "{error}");
    // A chain that is another key's.
    let ca =
        "-----BEGIN CERTIFICATE-----\n".to_owned() + &CA_BASE64.replace(' ', "\n") + "\n-----END CERTIFICATE-----\n";
    let text = [("keystore.type", "PEM"), ("keystore.key", key), ("keystore.certificate.chain", ca.as_str())];
    let error = config(&text).unwrap_err();
    assert!(error.message().contains("the chain of its certificate"), "{error}");
}

#[test]
fn damaged_and_missing_stores_are_named() {
    for (content, found) in [
        (&b"nothing"[..], "found neither"),
        (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "found damaged PEM"),
        (b"-----BEGIN X-----\nAAAA\n-----END X-----\n", "found none"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "found none"),
        (&[0x30, 0x82, 1, 2], "does not open"),
        (b"", "found neither"),
    ] {
        let file = File::new(&format!("damaged-{}", content.len()), content);
        let error = trusted(&[("truststore.type", "PEM"), ("truststore.location", file.path())]).unwrap_err();
        assert!(error.message().starts_with("setting schema.registry.ssl.truststore.location: "), "{error}");
        assert!(error.message().contains(found), "{error}");
    }
    let error = trusted(&[("truststore.location", "/does/not/exist")]).unwrap_err();
    assert!(error.message().contains("expected a file that can be read, found entity not found"), "{error}");
}

#[test]
fn versions_and_suites_are_cut() {
    let names = |config: ClientConfig| config.crypto_provider().cipher_suites.len();
    assert!(names(config(&[]).unwrap()) > 3);
    let some = config(&[("cipher.suites", "TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,X")]).unwrap();
    assert_eq!(names(some), 2);
    config(&[("enabled.protocols", "TLSv1.3")]).unwrap();
    for wrong in [
        &[("cipher.suites", "TLS_RSA_WITH_AES_128_CBC_SHA")][..],
        &[("enabled.protocols", "TLSv1.1,SSLv3")],
        &[("enabled.protocols", "TLSv1.2"), ("cipher.suites", "TLS_AES_128_GCM_SHA256")],
    ] {
        assert_eq!(config(wrong).unwrap_err().code(), "registry.tls", "{wrong:?}");
    }
}
